"""Unrepresentative training data: both losses improve, a large gap stays, and validation does not rise.

Question  Is validation off by a constant, since early on?
Formula   gap = (v - t) / max(|v_best|, gain / 5), at the end and at half of the epochs; rise: of validation since its
          best; train_fall = (t_half - t_end) / |t_half|; val_learnt = (reference - v_best) / |reference|
Units     no unit.
Ways      gap large at the end and at half time, validation improved and not risen, training not falling away from it
          (that is memorisation, which is said first).
Reaches   precision 0.88, recall 1.00 (32 said, 18 planted) on the tuning half, by limits set on its other families.
Source    Boudart, course 2 §4.2 (after Brownlee 2019): the training samples do not hold what validation asks.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "unrepresentative_training_data"

WAYS = (
    (
        Condition("gap", 0.408, 0.52, 0.3),
        Condition("gap_half", 0.228, 0.542, 0.3),
        Condition("rise", 0.0515, 0.0286, 0.1),
        Condition("train_fall", 1.03, 0.633, 0.3),
        Condition("val_learnt", 0.0499, 0.101, 0.1),
    ),
)


def measures(f: Features) -> dict[str, Array]:
    train, val = f.train, f.val
    both = f.has_train & f.has_val & (val.n >= 5)
    origin = np.fmax(f.reference, val.first)
    return {
        "gap": np.where(both, f.gap, np.nan),
        "gap_half": f.gap_half,
        "rise": f.val_rise_net,
        "train_fall": ratio(train.half - train.end, np.maximum(np.abs(train.half), 1e-12)),
        "val_learnt": ratio(origin - val.best, np.abs(origin)),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence,
        np.full(len(confidence), np.nan),
        {"gap": f.gap, "gap_half": f.gap_half, "train_fall": known["train_fall"]},
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
