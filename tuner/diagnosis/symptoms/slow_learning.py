"""Slow learning: the loss falls, but would have to fall far faster.

Question  Of what a constant predictor leaves to learn, how little has been learnt when the loss is still on its way?
Formula   learnt = (reference - t_end) / |reference|;  late = (t_half - t_end) / (t_first - t_end)
Units     no unit.
Hit       learnt below LIMIT, late above LATE (it has not levelled off), and the trend falls by SIGMAS standard errors.
Source    TUM §VI.1: no significant drop in the first 100 iterations: the learning rate is too small.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import percent
from tuner.records.finding import Remedy

NAME = "slow_learning"

LIMIT = 0.3
LIMIT_GUESSED = 0.15
LATE = 0.25
SIGMAS = 3.0


def find(f: Features) -> Hits:
    train = f.train
    reference = np.where(np.isfinite(f.reference), f.reference, 0.0)
    learnt = ratio(reference - train.end, np.abs(reference))
    late = ratio(train.half - train.end, train.first - train.end)
    change, error = train.trend
    known = f.reference_known
    limit = np.where(known, LIMIT, LIMIT_GUESSED)
    falls = -change > SIGMAS * error
    hit = f.has_train & (train.n >= 5) & (learnt < limit) & (late > LATE) & falls & (train.end > 0)
    margin = np.minimum(3 * (limit - learnt) / limit, 4 * (late / LATE - 1))
    return Hits(
        hit,
        sure(margin, np.where(known, 0.93, 0.7)),
        np.full(len(learnt), np.nan),
        {"learnt": learnt, "late": late, "last_epoch": train.last_epoch},
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
