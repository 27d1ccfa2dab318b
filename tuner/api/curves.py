"""Where curves come from: history files of any kind, and run directories of ours."""

from __future__ import annotations

from pathlib import Path

from tuner.importers import read_histories
from tuner.records.history import History
from tuner.records.run_directory import RunDirectory, find_run


def histories_of(name: str, runs: Path) -> list[History]:
    """The histories in a file, or those of a run's trials. Raises InputError where it is neither."""
    path = Path(name)
    if path.is_file():
        return read_histories(path)
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
        for trial in record.trials
        if trial.epochs
    ]
