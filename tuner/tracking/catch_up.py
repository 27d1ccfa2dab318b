"""Follow a run's journal to its end in this process: for `tuner track RUN`, also long after its driver died."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tuner.errors import RunError
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.tracking.follower import Follower
from tuner.tracking.mlflow_store import MlflowStore
from tuner.tracking.pace import NoDriver, follow
from tuner.tracking.state import FollowerLock, TrackingState, read_state, write_state
from tuner.tracking.system_metrics import SystemMetrics
from tuner.tracking.uri import absolute_uri, check_uri, masked


def catch_up(run_dir: RunDirectory, uri: str, experiment: str, curves: str, patience: float) -> TrackingState:
    check_uri(uri)
    with FollowerLock(run_dir) as lock:
        lock.take_or_refuse()
        gone = not _has_driver(run_dir)
        with opened(run_dir, uri, experiment, curves) as follower:
            done = follow(follower, NoDriver(time.sleep), time.monotonic, abandon=gone, hold=0.0, patience=patience)
    note_in_summary(run_dir, follower.state)
    if not done or follower.state.problem:
        raise RunError(f"{run_dir.name} is not whole in MLflow: {follower.state.problem}")
    return follower.state


@contextmanager
def opened(
    run_dir: RunDirectory, uri: str, experiment: str, curves: str, system_metrics: bool = False
) -> Iterator[Follower]:
    """One that goes on where the last one of this run came to, if that was for the same store and experiment."""
    uri = absolute_uri(uri)
    state = read_state(run_dir)
    if state is None or (state.uri, state.experiment) != (masked(uri), experiment):
        state = TrackingState(masked(uri), experiment, curves=curves)
    elif state.curves != curves:  # other trials' epochs may be missing: all is gone over, and what is there is found
        state = replace(state, offset=0, complete=False, curves=curves)
    remember: Callable[[TrackingState], None] = lambda new: write_state(run_dir, new)  # noqa: E731
    store = MlflowStore(uri, run_dir.path.absolute().parent.parent / "mlartifacts")
    try:
        measured = SystemMetrics() if system_metrics else None
        yield Follower(run_dir, store, state, remember, curves=curves, measured=measured)
    finally:
        store.close()


def note_in_summary(run_dir: RunDirectory, state: TrackingState) -> None:
    """Fill in summary.json's `mlflow`, which could not be known while the server was down."""
    if not run_dir.summary.is_file():
        return
    summary = json.loads(run_dir.summary.read_text(encoding="utf-8"))
    if summary.get("mlflow") != state.summary():
        summary["mlflow"] = state.summary()
        write_atomically(run_dir.summary, json.dumps(summary, indent=2) + "\n")


def _has_driver(run_dir: RunDirectory) -> bool:
    """Whether a driver holds the journal's lock."""
    with run_dir.journal.open("rb") as journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
