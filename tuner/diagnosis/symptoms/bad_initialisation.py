"""Bad initialisation: the first loss is far above that of a constant predictor.

Question  How many times the baseline loss is the loss before the first step?
Formula   excess = initial / baseline - 1, with the first epoch's loss in place of an initial loss that nobody measured.
Units     no unit: 1 is twice the baseline (log C for C balanced classes).
Hit       excess above LIMIT; above LIMIT_LATER where only the first epoch's loss is known: a wild start lifts it too.
Source    TUM §VII; Karpathy's recipe and CS231n: the first loss of C classes is log C.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, sure
from tuner.diagnosis.plain import number
from tuner.records.finding import Remedy

NAME = "bad_initialisation"

LIMIT = 1.0
LIMIT_LATER = 1.5
SMOOTH = 0.05
"""Jumps, of the level, above which a high first epoch says more of the steps than of the start."""


def find(f: Features) -> Hits:
    initial, baseline = f.batch.initial, f.batch.baseline
    measured = np.isfinite(initial)
    first = np.where(measured, initial, f.first)
    excess = first / np.where(baseline > 0, baseline, np.nan) - 1
    limit = np.where(measured, LIMIT, LIMIT_LATER)
    smooth = f.has_train & (f.train.end < first) & (f.train.late_sigma < SMOOTH * f.train_unit)
    hit = (excess > limit) & (measured | smooth) & ~f.batch.share
    return Hits(
        hit,
        sure(2 * (excess / limit - 1), np.where(measured, 0.97, 0.7)),
        np.where(measured, np.nan, 1.0),
        {"excess": excess, "initial": first * f.batch.scale, "baseline": baseline * f.batch.scale},
    )


def says(case: Case) -> str:
    initial, baseline = case.evidence["initial"], case.evidence["baseline"]
    when = "in the first epoch" if case.since_epoch else "before the first step"
    return (
        f"the loss {when} is {number(initial)}, {initial / baseline:.1f} times the {number(baseline)} of a constant "
        "predictor: the first epochs go into undoing it"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        case.switch(
            ("initialisation", "init"),
            "kaiming",
            "He or Xavier initialisation",
            "activations keep their size from layer to layer",
            "T §VII",
        ),
        Remedy(
            "smaller weights in the last layer", "the first predictions are then all alike, at the baseline", "T §VII"
        ),
        Remedy("standardise inputs and targets", "large inputs or targets make a large first loss", "T §VII"),
    )
