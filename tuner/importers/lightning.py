"""PyTorch Lightning's `metrics.csv`: an `epoch` and a `step` column, and a row for whatever was logged together.

Training and validation stand in different rows, so most cells are empty: not measured, since CSVLogger writes a NaN as
`nan`. Epochs count from 0. `train_loss_step` and `train_loss_epoch` are one curve; the epoch's mean is taken where both
are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tuner.errors import Fault
from tuner.importers.mapping import number
from tuner.importers.names import logged_names
from tuner.importers.step_log import StepLog, history_of
from tuner.records.history import History


def recognises(header: Sequence[str]) -> bool:
    return "epoch" in header and "step" in header


def read(
    header: Sequence[str], rows: Iterable[tuple[int, Mapping[str, str]]], name: str
) -> tuple[list[History], list[Fault]]:
    log, faults = StepLog(name), []
    names = logged_names(header)
    for line, row in rows:
        step, epoch = number(row["step"]), number(row["epoch"])
        if step is None or epoch is None or not step.is_integer() or not 0 <= epoch < float("inf"):
            faults.append(Fault("epoch, step", f"{row['epoch']}, {row['step']}", "a number in both columns", line))
            continue
        log.epochs[int(step)] = epoch
        for column, curve in names.items():
            cell = row[column]
            if cell == "":
                continue
            value = number(cell)
            if value is None:
                faults.append(Fault(column, cell, "a number, nan or inf; empty where it was not measured", line))
            else:
                log.curves.setdefault(curve, {})[int(step)] = value
    if any(column.endswith("_epoch") and curve == "train_loss" for column, curve in names.items()):
        log.facts["train_eval"] = "epoch_mean"
    if faults:
        return [], faults
    history, own = history_of(log, 1)
    return ([history] if history else []), list(own)
