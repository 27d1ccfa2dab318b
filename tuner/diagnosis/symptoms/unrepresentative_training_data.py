"""Unrepresentative training data: both losses improve, a large gap stays, and validation does not rise.

Question  Is validation off by a constant, since early on?
Formula   gap = (v - t) / max(|v_best|, gain / 5), at the end and at half of the epochs
Units     no unit.
Hit       gap above LIMIT at the end and nearly so at half time, both losses improved, validation not risen;
          less surely where training falls away from it (that is memorisation, which is said first).
Source    Boudart, course 2 §4.2 (after Brownlee 2019): the training samples do not hold what validation asks.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import percent
from tuner.records.finding import Remedy

NAME = "unrepresentative_training_data"

LIMIT = 0.5
RISE = 0.06
FALL = 0.25


def find(f: Features) -> Hits:
    train, val = f.train, f.val
    gap = f.gap
    gap_half = ratio(val.half - train.half, f.val_unit)
    rise = ratio(val.end - val.best - val.luck, f.val_unit)
    fall = ratio(train.half - train.end, np.maximum(np.abs(train.half), 1e-12))
    origin = np.fmax(f.reference, val.first)
    improved = origin - val.best > 0.1 * np.abs(origin)
    hit = f.has_train & f.has_val & (val.n >= 5) & improved & (gap > LIMIT) & (gap_half > 0.4 * gap)
    hit &= rise < RISE
    return Hits(
        hit,
        sure(gap / LIMIT - np.clip(fall / FALL, 0.5, 1.0), np.where(val.n <= 10, 0.75, 0.9)),
        np.full(len(gap), np.nan),
        {"gap": gap, "gap_half": gap_half, "train_fall": fall},
    )


def says(case: Case) -> str:
    return (
        f"validation loss stays {percent(case.evidence['gap'])} above the training loss since half of the epochs; "
        "neither closes the gap"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    samples = case.history.n_train
    set_ = f"the {samples} training samples do" if samples else "the training set does"
    return (
        Remedy("more training samples", f"{set_} not hold what validation asks for", "B §4.2"),
        Remedy(
            "check the split for a shift", "training and validation may come from different places or times", "T §VI.2"
        ),
    )
