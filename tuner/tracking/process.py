"""Start the follower as a process of its own, and wait for it, without importing mlflow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tuner.records.run_directory import RunDirectory
from tuner.tracking.state import TrackingState, read_state
from tuner.tracking.uri import absolute_uri, check_uri

LOG = "tracking.log"
END_NOW = signal.SIGUSR1
"""From its driver alone. SIGTERM comes from who stops a job, to the driver too, and the follower outlives it."""
_ROOT = Path(__file__).resolve().parents[2]


class TrackingProcess:
    """A follower that runs beside this driver."""

    def __init__(self, process: subprocess.Popen[bytes], run_dir: RunDirectory) -> None:
        self._process, self._run_dir = process, run_dir

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def state(self) -> TrackingState | None:
        """How far it came, the parent run's id, and what keeps it from going on."""
        return read_state(self._run_dir)

    def wait(self, seconds: float) -> bool:
        """After the journal's `end` line: True when all is in MLflow within `seconds`. It may be asked again."""
        self._leave()
        try:
            return self._process.wait(timeout=seconds) == 0
        except subprocess.TimeoutExpired:
            return False

    def close(self) -> None:
        """End it now, if it has not ended: what is missing is caught up from the journal later."""
        self._leave()
        for number in (END_NOW, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            os.killpg(self._process.pid, number)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue

    def _leave(self) -> None:
        """Closing its input tells the follower that no line will come."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def __enter__(self) -> TrackingProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(
    run_dir: RunDirectory, uri: str, experiment: str, curves: str = "all", *, system_metrics: bool = False
) -> TrackingProcess:
    """Follow this run from now on. Raises InputError for a URI that cannot be used, whatever the server's state."""
    check_uri(uri)
    run_dir.logs.mkdir(parents=True, exist_ok=True)
    since = run_dir.journal.stat().st_size if run_dir.journal.exists() else 0
    command = [sys.executable, "-P", "-m", "tuner.tracking", str(run_dir.path), "--experiment", experiment]
    command += ["--curves", curves, "--driver", str(os.getpid()), "--since", str(since)]
    command += ["--system-metrics"] if system_metrics else []
    with (run_dir.logs / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_environment(absolute_uri(uri)),
            start_new_session=True,  # ^C is for the driver, which then says what to do
        )
    return TrackingProcess(process, run_dir)


def _environment(uri: str) -> dict[str, str]:
    """-P keeps the current folder's files from standing in for modules; this package must be found all the same."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "MLFLOW_TRACKING_URI": uri, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
