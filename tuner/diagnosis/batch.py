"""Histories as a batch of padded curves: which curve is the training loss, in which unit, from which epoch.

What a history calls its epochs, steps, gaps and metrics is settled here; the symptoms see losses alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.diagnosis.padded import Array, Bools, Padded, Row, pad
from tuner.records.history import Curve, History

SHARES = ("accuracy", "acc", "f1", "auc", "dice", "iou", "r2")
"""Metrics where more is better and 1 (or 100) is the most: judged as 1 - metric where a history has no loss."""

PREFIXES = {"train": ("train_", ""), "val": ("val_", "valid_", "validation_", "eval_", "test_")}


@dataclass(frozen=True, slots=True)
class Batch:
    """Curves of `histories`, divided by each history's own scale."""

    histories: tuple[History, ...]
    train: Padded
    """`train_loss`, one value an epoch."""
    val: Padded
    after: Padded
    """`train_eval_loss`: the training loss in evaluation mode, after the epoch."""
    initial: Array
    """[B]: loss of the untrained network; NaN where nobody knows."""
    baseline: Array
    """[B]: loss of the best constant predictor; NaN where nobody knows."""
    scale: Array
    """[B]: natural units of the loss per unit here."""
    share: Bools
    """[B]: the curves are 1 - a metric such as accuracy."""
    max_epochs: Array
    """[B]: epochs that were planned; NaN where nobody knows."""


@dataclass(frozen=True, slots=True)
class _Curves:
    train: Row | None
    val: Row | None
    after: Row | None
    initial: float
    baseline: float
    share: bool


def make_batch(histories: Sequence[History]) -> Batch:
    parts = [_curves(history) for history in histories]
    scale = np.array([_scale(part) for part in parts]).reshape(-1)

    def known(values: list[float]) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.array(values, np.float64).reshape(-1) / scale
        return np.where(np.isfinite(scaled), scaled, np.nan)

    with np.errstate(over="ignore", invalid="ignore"):
        return Batch(
            histories=tuple(histories),
            train=pad([part.train for part in parts], scale),
            val=pad([part.val for part in parts], scale),
            after=pad([part.after for part in parts], scale),
            initial=known([part.initial for part in parts]),
            baseline=known([part.baseline for part in parts]),
            scale=scale,
            share=np.array([part.share for part in parts], bool),
            max_epochs=np.array([float(h.max_epochs or math.nan) for h in histories]),
        )


def _curves(history: History) -> _Curves:
    train, val = _row(history, "train_loss"), _row(history, "val_loss")
    after = _row(history, "train_eval_loss")
    initial = math.nan if history.initial_loss is None else float(history.initial_loss)
    baseline = math.nan if history.baseline_loss is None else float(history.baseline_loss)
    classes = history.num_classes or 0
    share = train is None and val is None
    if share:
        train, val = _share_row(history, "train"), _share_row(history, "val")
        initial, baseline = math.nan, (1 - 1 / classes if classes > 1 else math.nan)
    elif math.isnan(baseline) and classes > 1:
        baseline = math.log(classes)
    if len(history.epoch) and history.epoch[0] <= 0:  # logged before the first step: no epoch of training
        train, first = _split_start(train)
        val, first_val = _split_start(val)
        after, _ = _split_start(after)
        if math.isnan(initial):
            initial = first if math.isfinite(first) else first_val
    return _Curves(train, val, after, initial, baseline, share)


def _row(history: History, name: str) -> Row | None:
    values = history.curves.get(name)
    if values is None or len(values) == 0:
        return None
    values, missing = np.asarray(values, np.float64), history.missing.get(name)
    if missing is not None and (len(missing) != len(values) or not missing.any()):
        missing = None
    steps = history.steps_per_epoch or 1
    if name == "train_loss" and steps > 1:
        values, missing = _by_epoch(values, missing, steps)
    if missing is not None and missing.all():
        return None
    epochs = history.epoch if len(history.epoch) == len(values) else np.arange(1, len(values) + 1)
    return Row(values, np.asarray(epochs, np.float64), missing)


def _by_epoch(values: Curve, missing: Bools | None, steps: int) -> tuple[Curve, Bools | None]:
    """Each epoch's mean over its steps; equal steps give exactly their value, and one NaN makes the epoch NaN."""
    count = -(-len(values) // steps)
    measured = np.zeros(count * steps, bool)
    measured[: len(values)] = True if missing is None else ~missing
    table = np.zeros(count * steps)
    table[: len(values)] = values
    by_epoch, there = table.reshape(count, steps), measured.reshape(count, steps)
    first = np.take_along_axis(by_epoch, np.argmax(there, axis=1)[:, None], 1)
    with np.errstate(invalid="ignore", over="ignore"):
        rest: Curve = np.where(there, by_epoch - first, 0.0).sum(axis=1)
        mean: Curve = first[:, 0] + rest / np.maximum(there.sum(axis=1), 1)
    empty: Bools = ~np.any(there, axis=1)
    return mean, empty if empty.any() else None


def _share_row(history: History, part: str) -> Row | None:
    for share in SHARES:
        for prefix in PREFIXES[part]:
            row = _row(history, prefix + share)
            if row is not None:
                finite = row.values[np.isfinite(row.values)]
                most = 100.0 if len(finite) and finite.max() > 1.5 else 1.0
                return Row(most - row.values if most == 1.0 else (most - row.values) / most, row.epochs, row.missing)
    return None


def _split_start(row: Row | None) -> tuple[Row | None, float]:
    if row is None or row.epochs[0] > 0:
        return row, math.nan
    before = int(np.searchsorted(row.epochs, 0.0, side="right"))
    first = math.nan if row.missing is not None and row.missing[0] else float(row.values[0])
    missing = None if row.missing is None else row.missing[before:]
    return (Row(row.values[before:], row.epochs[before:], missing) if before < len(row.values) else None), first


def _scale(part: _Curves) -> float:
    """A loss that this history met halfway: any value that grows with its unit would do."""
    row = part.train or part.val or part.after
    if row is None:
        return 1.0
    size = np.abs(row.values[np.isfinite(row.values)])
    if len(size) == 0:
        return 1.0
    middle = float(np.partition(size, len(size) // 2)[len(size) // 2])  # picked, not averaged: exact under scaling
    return middle if middle > 1e-290 else float(size.max()) or 1.0
