"""MLflow tracking: a process of its own that follows the journal; and a reader of what anybody tracked.

Importing this imports no mlflow.
"""

from __future__ import annotations

from tuner.records.earlier import Earlier
from tuner.records.history import History
from tuner.records.run_directory import RunDirectory
from tuner.records.tracked import TrackedSweep
from tuner.tracking.pace import GIVE_UP_SECONDS
from tuner.tracking.process import TrackingProcess, start
from tuner.tracking.state import TrackingState, read_state
from tuner.tracking.uri import check_uri, default_uri, is_there, masked

__all__ = [
    "TrackingProcess",
    "TrackingState",
    "check_uri",
    "default_uri",
    "is_there",
    "masked",
    "read_earlier",
    "read_histories",
    "read_state",
    "read_sweep",
    "start",
    "track",
]


def track(
    run_dir: RunDirectory, uri: str, experiment: str, curves: str = "all", *, patience: float = GIVE_UP_SECONDS
) -> TrackingState:
    """Bring MLflow to the journal's end in this process, and fill in summary.json's `mlflow`.

    Raises InputError beside a live follower of the run or for an unusable URI, RunError when MLflow was out of reach
    for `patience` seconds or refuses something; what got there is kept and remembered.
    """
    from tuner.tracking.catch_up import catch_up  # mlflow takes two seconds to import

    return catch_up(run_dir, uri, experiment, curves, patience)


def read_earlier(uri: str, name: str, metric: str) -> Earlier:
    """The trials of an MLflow experiment (name or id), or of the runs below one run, with the history of one metric.

    Raises InputError where there is no such run; RunError where MLflow cannot be reached.
    """
    from tuner.tracking.earlier import read  # mlflow takes two seconds to import

    return read(uri, name, metric)


def read_histories(uri: str, name: str) -> list[History]:
    """The curves of an MLflow experiment (name or id), or of a run (id or name) and the runs below it.

    Raises InputError where there is no such run, or none with a loss; RunError where MLflow cannot be reached.
    """
    from tuner.tracking.histories import read  # mlflow takes two seconds to import

    return read(uri, name)


def read_sweep(uri: str, name: str, metric: str | None = None, mode: str | None = None) -> TrackedSweep:
    """An MLflow experiment (name or id), or a run and those below it, as the record of a sweep.

    `metric` and `mode` are needed where no run of ours says by what it was judged; without one, `val_loss` is taken.
    Raises InputError where there is no such run, or none with the metric; RunError where MLflow cannot be reached.
    """
    from tuner.tracking.sweeps import read  # mlflow takes two seconds to import

    return read(uri, name, metric, mode)
