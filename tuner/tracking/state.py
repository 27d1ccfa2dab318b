"""What the follower remembers beside the journal: how far it came and which MLflow runs are whose."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from tuner.errors import Fault, InputError
from tuner.records.run_directory import RunDirectory, write_atomically

VERSION = 1


@dataclass(frozen=True)
class TrackingState:
    """`tracking.json` of a run directory."""

    uri: str
    """Without its secrets."""
    experiment: str
    experiment_id: str | None = None
    parent_run: str | None = None
    """None until the server was reached."""
    offset: int = 0
    """Bytes of the journal of which all is in MLflow."""
    complete: bool = False
    """The journal has ended, and all of it and the artifacts are in MLflow."""
    problem: str = ""
    """What keeps it from going on, in words for a person; empty when all is well."""
    children: Mapping[str, str] = field(default_factory=dict)
    """Trial -> id of its MLflow run."""
    curves: str = "all"
    """Whose epochs were sent: `all`, `top` or `none`."""

    def summary(self) -> dict[str, str | None]:
        """The `mlflow` part of summary.json."""
        return {"tracking_uri": self.uri, "experiment": self.experiment, "parent_run": self.parent_run}


def read_state(run_dir: RunDirectory) -> TrackingState | None:
    """None where no tracking has begun."""
    try:
        data = json.loads(run_dir.tracking.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if data.pop("version", None) != VERSION:
        return None  # of another tuner: it is found anew from MLflow's tags
    return TrackingState(**data)


def write_state(run_dir: RunDirectory, state: TrackingState) -> None:
    write_atomically(run_dir.tracking, json.dumps({"version": VERSION} | asdict(state), separators=(",", ":")))


class FollowerLock:
    """One follower a run. The kernel frees the lock when its holder dies."""

    def __init__(self, run_dir: RunDirectory) -> None:
        self.path: Path = run_dir.path / "tracking.lock"
        self._file = self.path.open("a+b")

    def take(self) -> bool:
        """False while another follower has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._file.truncate(0)
        self._file.write(f"pid {os.getpid()}\n".encode())
        self._file.flush()
        return True

    def take_or_refuse(self) -> None:
        """Raises InputError while another follower has it."""
        if not self.take():
            self._file.seek(0)
            holder = self._file.read().decode().strip() or "another process"
            self.close()
            cure = "it writes to MLflow already: wait until its sweep ends"
            raise InputError("this run is being tracked", (Fault(str(self.path.parent), holder, cure),))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> FollowerLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
