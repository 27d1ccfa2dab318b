"""Where the weights lie that a trial starts from: `weights: PATH | RUN | RUN/TRIAL | pretrained | none`. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.records.run_directory import find_run
from tuner.training.exported import exported_weights

NONE, PRETRAINED = "none", "pretrained"
"""Random weights; those that torchvision downloads for the network's architecture."""


def find_weights(where: str, folder: str, runs: Path) -> Path:
    """A file of weights, or that of a run's best trial or of one trial, or the one in an export's folder.

    `folder`: from which relative paths count; `runs`: where runs are found by name, or by the start of one that no
    other shares. Raises InputError.
    """
    given = Path(folder, where).expanduser()
    if given.is_file():
        return given
    exported = exported_weights(given) if given.is_dir() else None
    if exported is not None:
        return exported
    run, trial = given, ""
    if not (given / "journal.jsonl").is_file():
        parts = Path(where).parts
        if len(parts) > 1 and parts[-1][:4].isdigit():
            run, trial = Path(folder, *parts[:-1]).expanduser(), parts[-1]
        else:
            run = given
        if not (run / "journal.jsonl").is_file():
            run = runs / run.name
    try:
        directory = find_run(run.name, run.parent)
    except InputError as error:
        cure = f"no such file, export or run ({'; '.join(fault.cure for fault in error.faults)})"
        raise InputError("weights that are not there", (Fault("weights", where, cure),)) from error
    record = directory.record()
    found = directory.kept_checkpoint(record, trial) if trial else directory.best_checkpoint(record)
    if found is None:
        cure = f"the run {directory.name} has kept no weights{f' of trial {trial}' if trial else ''}"
        raise InputError("weights that are not there", (Fault("weights", where, cure),))
    return found[1]


def check_weights(values: Iterable[str], folder: str, runs: Path) -> None:
    """Raises InputError with all of `values` that cannot be found."""
    faults: list[Fault] = []
    for where in values:
        if where not in (NONE, PRETRAINED):
            try:
                find_weights(where, folder, runs)
            except InputError as error:
                faults += error.faults
    if faults:
        raise InputError("weights that are not there", tuple(faults))
