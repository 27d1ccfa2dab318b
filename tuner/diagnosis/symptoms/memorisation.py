"""Memorisation: validation levels off while training keeps falling.

Question  Since validation levelled off, how much has training gone on to gain that validation did not see?
Formula   train_fall = (t_then - t_end) / |t_then|;  gap = (v_end - t_end) / max(|v_best|, gain / 5)
          then: the first epoch at which validation was within LEVEL of its level at the end.
Units     no unit; epochs from 1.
Hit       train_fall and gap above their limits, for a third of the curve at least, with validation neither rising
          (that is overfitting) nor still falling (that is undertrained).
Source    Boudart, course 2 §4.2 (after Brownlee 2019): more of the training set is learnt by heart, nothing else.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import percent, since
from tuner.records.finding import Remedy

NAME = "memorisation"

LEVEL = 0.04
"""Distance from the level at the end, in units of the level, that counts as levelled off."""
FALL = 0.3
"""Share of the training loss that has to go while validation stands still."""
GAP = 0.22
SHARE = 0.2
"""Of the gap: validation may still move by so much in the last third and be called level."""
"""Validation above training at the end, in units of validation's level."""


def find(f: Features) -> Hits:
    val, train = f.val, f.train
    level = val.end + np.maximum(LEVEL * f.val_unit, 2 * val.end_error)
    there = val.curve.there & (val.coarse <= level[:, None])
    then = np.argmax(there, axis=1)
    epoch = val.at(val.curve.epoch, then)
    at_then = train.at(train.fine, f.train_position(epoch))
    fall = ratio(at_then - train.end, np.maximum(np.abs(at_then), 1e-12))
    fell = (at_then - train.end) > 4 * np.hypot(train.end_error, 0.45 * train.late_sigma)
    long = (val.n - then) >= np.maximum(val.n // 3, np.where(val.n <= 10, 3, 5))
    change, error = val.trend
    flat = np.abs(change) < np.maximum(np.maximum(LEVEL, SHARE * f.gap) * f.val_unit, 2 * error)
    not_risen = (val.end - val.best) < np.maximum(2 * LEVEL * f.val_unit, val.luck + 3 * val.end_error)
    hit = f.has_val & f.has_train & fell & long & flat & not_risen & (fall > FALL) & (f.gap > GAP)
    margin = np.minimum(fall / FALL - 1, f.gap / GAP - 1)
    return Hits(
        hit,
        sure(margin, np.where(val.n <= 10, 0.75, 0.95)),
        epoch,
        {"train_fall": fall, "gap": f.gap, "val_change": ratio(change, f.val_unit), "last_epoch": val.last_epoch},
    )


def says(case: Case) -> str:
    return (
        f"validation loss has been level{since(case.since_epoch)} while training loss fell "
        f"{percent(case.evidence['train_fall'])}; the gap is {percent(case.evidence['gap'])} of the validation loss"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        Remedy("more data", "only new samples show validation what training goes on learning", "B §4.2"),
        Remedy("augmentation", "more different training samples at no cost in data", "B §4.2"),
        case.change(of.DROPOUT, plus(0.2, high=0.6), "more dropout", "it hinders learning by heart", "B §4.2"),
        case.change(of.WEIGHT_DECAY, times(10, high=0.1), "more weight decay", "it hinders learning by heart", "T"),
        Remedy(
            "another architecture", "one that fits the data's structure generalises from the same samples", "B §4.2"
        ),
    )
