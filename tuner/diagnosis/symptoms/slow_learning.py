"""Slow learning: the loss falls, but would have to fall far faster.

Question  Of what a constant predictor leaves to learn, how little has been learnt when the loss is still on its way?
Formula   learnt = (reference - t_end) / |reference|;  late = (t_half - t_end) / (t_first - t_end)
          falls: by how many standard errors the training loss falls over its last third.
Units     no unit.
Ways      little learnt, late (it has not levelled off) and falling clearly; where only the first value can stand for
          the reference, less still.
Reaches   precision 0.88, recall 0.89 (32 said, 18 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI.1: no significant drop in the first 100 iterations: the learning rate is too small.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "slow_learning"

WAYS = (
    (
        Condition("learnt", 0.199, 0.115, 0.3),
        Condition("late", 0.0808, 0.21, 0.3),
        Condition("falls", 0.885, 5.52, 2.0),
    ),
    (
        Condition("learnt_guessed", 0.255, 0.19, 0.1),
        Condition("late", 0.0808, 0.21, 0.3),
        Condition("falls", 0.885, 5.52, 2.0),
    ),
)
GUESSED = 0.8
"""Of the confidence that is left where the reference is only the first value."""


def measures(f: Features) -> dict[str, Array]:
    asked = f.has_train & (f.train.n >= 5) & (f.train.end > 0)
    return {
        "learnt": np.where(asked, f.learnt, np.nan),
        "learnt_guessed": np.where(asked, f.learnt_guessed, np.nan),
        "late": f.late_share,
        "falls": f.train_falls,
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence * np.where(f.reference_known, 1.0, GUESSED),
        np.full(len(confidence), np.nan),
        {
            "learnt": np.where(f.reference_known, f.learnt, f.learnt_guessed),
            "late": known["late"],
            "last_epoch": f.train.last_epoch,
        },
    )


def says(case: Case) -> str:
    return (
        f"after {int(case.evidence['last_epoch'])} epochs the training loss is only {percent(case.evidence['learnt'])} "
        "below where learning starts, and falls no faster than before"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    factor = 10 if case.evidence["learnt"] < 0.1 else 3
    return (
        case.change(of.LR, times(factor), f"learning rate × {factor}", "the steps are too small by far", "T §VI.1"),
        case.change(
            of.WARMUP, times(0.3), "a shorter warm-up", "the learning rate may not have been reached", "T §VI.1"
        ),
        Remedy("normalise the inputs", "inputs of different size need different steps", "T §VII"),
    )
