"""Taking a trained network away: `tuner export RUN` and `tuner.load`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.trial import SweepRecord, TrialRecord
from tuner.training.exported import exported_weights, known_of, write_export, write_loop_export
from tuner.training.loaded import LoadedModel, load_weights
from tuner.training.loop_checkpoints import NOTES
from tuner.training.model_record import read_record


@dataclass(frozen=True)
class Exported:
    """What `tuner export` made."""

    folder: Path
    trial: str
    """The training whose weights these are."""
    metric: str
    value: float
    epoch: int
    loop: str | None
    """The user's own loop, where there was one: then its checkpoint was copied as it is."""

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "trial": self.trial,
            "metric": self.metric,
            "value": self.value,
            "epoch": self.epoch,
            "loop": self.loop,
        }

    def __str__(self) -> str:
        how = "load it as your loop does" if self.loop is not None else f"tuner.load({str(self.folder)!r}) in Python"
        rows = [f"trial {self.trial}, {self.metric} {self.value:.6g} at epoch {self.epoch}: {how}", str(self.folder)]
        return "\n".join(rows)


def export_run(
    run: str | Path, *, runs: Path, trial: str | None = None, out: Path | None = None, force: bool = False
) -> Exported:
    """Write the weights of a run's best trial, or of `trial`, with its configuration into a folder of their own.

    Raises InputError where no weights were kept, and for a folder that holds something.
    """
    directory = find_run(run, runs)
    record = directory.record()
    training, kept = _kept(directory, record, trial)
    folder = out or Path(f"{directory.name}-{training.trial}")
    if record.task is not None:
        found = read_record(kept)
        write_export(kept, found, folder, known_of(directory, training, found.epoch), force=force)
        return Exported(folder, found.trial, found.metric, found.value, found.epoch, None)
    value, epoch = _noted(kept.parent, training, record.metric)
    loop = _loop_name(directory)
    told = {
        "run": directory.name,
        "trial": training.trial,
        "loop": loop,
        "config": dict(training.config),
        "seed": training.seed,
        "metric": record.metric,
        "mode": record.mode,
        "value": value,
        "epoch": epoch,
        **known_of(directory, training, epoch),
    }
    write_loop_export(kept, folder, told, force=force)
    return Exported(folder, training.trial, record.metric, value, epoch, loop)


def load(run: str | Path, trial: str | None = None, *, runs: str | Path = "runs") -> LoadedModel:
    """The trained network of a run's best trial, or of `trial` (`0017`, or `0017-2` on a further seed); also from a
    folder that `tuner export` made.

    The data set is not needed, and nothing is unpickled. A network of your own (`my_package.nets:build`) is built by
    your code, found from the current folder. Raises InputError where there are no such weights.
    """
    folder = os.getcwd()  # noqa: PTH109
    exported = exported_weights(Path(run))
    if exported is not None:
        if trial is not None:
            cure = f"{run} holds one network: leave `trial` out, or name the run"
            raise InputError("no such trial", (Fault("trial", trial, cure),))
        return load_weights(exported, folder=folder)
    directory = find_run(run, Path(runs))
    record = directory.record()
    _, kept = _kept(directory, record, trial)
    if record.task is None:
        cure = f"the weights of a loop of your own are its own file: load {kept} as the loop does"
        raise InputError("not a network of the tuner's", (Fault("RUN", directory.name, cure),))
    return load_weights(kept, folder=folder)


def _kept(directory: RunDirectory, record: SweepRecord, trial: str | None) -> tuple[TrialRecord, Path]:
    found = directory.best_checkpoint(record) if trial is None else directory.kept_checkpoint(record, trial)
    if found is not None:
        return found
    there = [one.trial for one in record.trainings if directory.kept_checkpoint(record, one.trial) is not None]
    cure = f"weights were kept of {', '.join(there)}" if there else "this run has kept no weights"
    if trial is None:
        raise InputError("no weights", (Fault("RUN", directory.name, cure),))
    if any(trial == one.trial for one in record.trainings):
        cure += "; `checkpoints: {keep: N}` keeps those of the best N trials"
        raise InputError("no weights of this trial", (Fault("trial", trial, cure),))
    raise InputError("no such trial", (Fault("trial", trial, cure),))


def _noted(folder: Path, training: TrialRecord, metric: str) -> tuple[float, int]:
    """Value and epoch of what a loop kept: it need not have kept one at its best epoch."""
    value = float(json.loads((folder / NOTES).read_text(encoding="utf-8"))["best"])
    return value, next(one.epoch for one in training.epochs if one.metrics.get(metric) == value)


def _loop_name(directory: RunDirectory) -> str:
    import yaml

    loop = yaml.load(directory.sweep.read_text(encoding="utf-8"), Loader=yaml.BaseLoader).get("loop")
    return str(loop)
