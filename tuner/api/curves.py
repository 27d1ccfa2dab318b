"""Where curves come from: history files of any kind, MLflow, and run directories of ours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.importers import event_folders, read_histories
from tuner.records.finding import Diagnosis
from tuner.records.history import History
from tuner.records.run_directory import RunDirectory, find_run, write_atomically

MLFLOW = "mlflow:"


def histories_of(name: str, runs: Path, uri: str | None = None) -> list[History]:
    """The histories in a file or a folder of event files, in MLflow, or those of a run's trials.

    `mlflow:RUN_OR_EXPERIMENT` is read from the store `uri`, else from MLFLOW_TRACKING_URI, else from the one that
    sweeps under `runs` write to. Raises InputError where it is none of these.
    """
    if name.startswith(MLFLOW):
        from tuner import tracking  # costs a tenth of a second, which the files need not pay

        store = uri or os.environ.get("MLFLOW_TRACKING_URI") or tracking.default_uri(runs)
        return tracking.read_histories(store, name.removeprefix(MLFLOW))
    path = Path(name)
    if path.is_file() or (path.is_dir() and not (path / "journal.jsonl").is_file() and event_folders(path)):
        return read_histories(path)
    if path.suffix and not path.exists() and not (runs / name).exists():
        raise InputError("nothing to diagnose", (Fault("FILE", name, "there is no such file"),))
    return run_histories(find_run(name, runs))


def run_histories(directory: RunDirectory) -> list[History]:
    """One history a trial that has reported an epoch."""
    record = directory.record()
    return [
        History.from_epochs(
            trial.trial,
            trial.epochs,
            trial.facts,
            config=trial.config,
            max_epochs=record.max_epochs,
            task=record.task,
        )
        for trial in record.trainings
        if trial.epochs
    ]


def write_page(histories: Sequence[History], found: Sequence[Diagnosis], path: Path) -> None:
    """The curves with their findings as one HTML file. Raises InputError where it cannot be written."""
    from tuner.report.curves_page import curves_page

    try:
        write_atomically(path, curves_page(histories, found))
    except OSError as error:
        raise InputError("the page cannot be written", (Fault("--plot", str(path), f"{error.strerror}"),)) from None
