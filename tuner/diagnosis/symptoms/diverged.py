"""Diverged: the training loss is NaN, infinite, or far above where it started and does not come back.

Question  Is the loss lost?
Formula   excess = (t_end - start) / max(start - t_best, |start|)
          start: the untrained network's loss, else the baseline, else the first value.
Units     no unit: 1 is as far above the start as the start is above the best, or above zero.
Ways      the last measured training loss (else the last validation loss) is not finite; or excess above its limit.
Reaches   precision 1.00, recall 1.00 (16 said, 16 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI.1; Boudart, course 2 §4.2.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import number, since
from tuner.diagnosis.shape import Shape
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "diverged"

WAYS = ((Condition("excess", 1.17, 2.17, 1.0),),)
VALIDATION_ALONE = 0.8
"""Confidence where validation alone is lost: its data may hold what training never met."""


def measures(f: Features) -> dict[str, Array]:
    train, val = f.train, f.val
    use_val = ~f.has_train
    end = np.where(use_val, val.end, train.end)
    best = np.where(use_val, val.best, train.best)
    start = np.where(np.isfinite(f.start), f.start, 0.0)
    excess = ratio(end - start, np.maximum(np.maximum(start - best, np.abs(start)), 1e-12))
    count = np.where(use_val, val.n, train.n)
    return {"excess": np.where(count >= 2, excess, np.nan), "end": end, "start": start}


def find(f: Features) -> Hits:
    train, val = f.train, f.val
    known = measures(f)
    by_size, _ = weigh(WAYS, known)
    train_lost = train.curve.broken_end
    val_lost = val.curve.broken_end & ~train_lost
    lost = train_lost | val_lost
    above = np.where(f.has_train, _above(train, known["start"]), _above(val, known["start"]))
    first_bad = np.where(train_lost, train.curve.broken_epoch, val.curve.broken_epoch)
    by_size = by_size * np.where(f.has_train, 1.0, VALIDATION_ALONE)
    return Hits(
        np.where(train_lost, 1.0, np.where(val_lost, VALIDATION_ALONE, by_size)),
        np.where(lost, first_bad, above),
        {
            "not_finite": train_lost.astype(np.float64),
            "val_not_finite": val_lost.astype(np.float64),
            "excess": np.where(lost, np.nan, known["excess"]),
            "last": np.where(lost, np.nan, known["end"] * f.batch.scale),
            "start": np.where(np.isfinite(f.start), f.start * f.batch.scale, np.nan),
        },
    )


def _above(shape: Shape, start: Array) -> Array:
    """The epoch since which every value lies above the start."""
    value, there = shape.curve.value, shape.curve.there
    below = there & (value <= start[:, None])
    width = value.shape[1]
    last_below = np.where(below.any(axis=1), width - 1 - np.argmax(below[:, ::-1], axis=1), -1)
    return shape.at(shape.curve.epoch, last_below + 1)


def says(case: Case) -> str:
    if case.evidence.get("not_finite"):
        return f"training loss is NaN or infinite{since(case.since_epoch)}"
    if case.evidence.get("val_not_finite"):
        return f"validation loss is NaN or infinite{since(case.since_epoch)}, training loss is not"
    last, start = number(case.evidence["last"]), number(case.evidence["start"])
    return f"training loss ended at {last}, far above the {start} it started from"


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        case.change(of.LR, times(0.1), "learning rate ÷ 10", "the steps overshoot and grow", "B §4.2, T §VI"),
        case.change(
            of.CLIPPING, times(0.3), "clip gradients at norm 1", "one huge gradient is enough to lose the weights", "T"
        ),
        Remedy("check the loss and the data for NaN", "log(0), division by 0, or a missing value in the data", "T §VI"),
    )
