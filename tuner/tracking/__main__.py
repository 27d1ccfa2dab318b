"""`python -m tuner.tracking RUN_DIR`: the process that follows a sweep's journal into MLflow.

It has the lowest claim on the processor, outlives ^C and a SIGTERM that its driver gets too, and ends with its driver:
when the driver closes the pipe on its standard input, or dies. The URI comes in the environment, where other users of
the machine cannot read its password.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from tuner.errors import TunerError
from tuner.records.run_directory import RunDirectory
from tuner.tracking.pace import follow
from tuner.tracking.process import END_NOW
from tuner.tracking.state import FollowerLock
from tuner.tracking.uri import mask

NICENESS = 10
LOOK_SECONDS = 2.0
"""How often to see whether the driver lives, should a process that it forked hold its end of the pipe open."""


class PipedDriver:
    """The driver at the other end of a pipe on standard input."""

    def __init__(self, pid: int) -> None:
        self._pid, self._closed = pid, False

    def left(self) -> bool:
        return self._closed or os.getppid() != self._pid

    def wait(self, seconds: float) -> None:
        if self.left():
            time.sleep(seconds)  # there is nothing left to listen to: this is a pause before another try
        until = time.monotonic() + seconds
        while not self.left() and (rest := until - time.monotonic()) > 0:
            self._listen(min(rest, LOOK_SECONDS))

    def on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        """Who stops a job tells all its processes. The driver has lines to write still, and waits until they are in
        MLflow; on a busy machine this may run after it has written them and closed the pipe. So a closed pipe says
        nothing of when the signal was sent: it is obeyed when the driver is dead."""
        if os.getppid() != self._pid:
            sys.exit(3)

    def _listen(self, seconds: float) -> None:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if ready and not os.read(sys.stdin.fileno(), 1024):
            self._closed = True


class MaskedStream(io.TextIOBase):
    """Standard error for the log, without the URI's secrets, whoever writes them."""

    def __init__(self, stream: io.TextIOBase, uri: str) -> None:
        self._stream, self._uri = stream, uri

    def write(self, text: str) -> int:
        self._stream.write(mask(text, self._uri))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tuner.tracking", description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--uri", default=os.environ.get("MLFLOW_TRACKING_URI", ""))
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--curves", choices=("all", "top", "none"), default="all")
    parser.add_argument("--system-metrics", action="store_true")
    parser.add_argument("--driver", type=int, default=os.getppid(), help="pid of the driver")
    parser.add_argument("--since", type=int, default=0, help="an `end` line before this byte is an earlier driver's")
    asked = parser.parse_args()
    os.nice(NICENESS)
    sys.stderr = MaskedStream(sys.stderr, asked.uri)  # type: ignore[arg-type]
    try:
        return _run(asked)
    except TunerError as error:
        print(f"tracking: {error}", file=sys.stderr, flush=True)
        return error.exit_code


def _run(asked: argparse.Namespace) -> int:
    run_dir, driver = RunDirectory(asked.run_dir), PipedDriver(asked.driver)
    with FollowerLock(run_dir) as lock:
        signal.signal(signal.SIGTERM, driver.on_sigterm)
        signal.signal(END_NOW, lambda *_: sys.exit(3))
        while not lock.take():  # an earlier driver's follower writes its last lines
            if driver.left():
                return 3
            driver.wait(0.5)
        gc.disable()  # nothing of what an import makes is garbage: a quarter of its time
        from tuner.tracking.catch_up import opened  # imports mlflow: seconds that a refusal is not worth

        gc.freeze()
        gc.enable()
        with opened(run_dir, asked.uri, asked.experiment, asked.curves, asked.system_metrics) as follower:
            done = follow(follower, driver, time.monotonic, since=asked.since)
    return 0 if done and follower.state.complete else 3


if __name__ == "__main__":
    sys.exit(main())
