"""Not learning: the training loss stays at the constant predictor's.

Question  Is the loss at its best any better than that of a network that has learnt nothing?
Formula   learnt = (reference - t_best - luck) / |reference|
          reference: the baseline loss, else the untrained network's, else the first value of the curve.
Units     no unit: 0.02 is two per cent of the way to a loss of 0.
Hit       learnt below LIMIT with at least 3 epochs where the reference is known; where it is only the first value,
          below LIMIT_GUESSED with at least 10 epochs and no falling trend: the first epoch may have learnt it all.
Source    TUM §VI.1 and VII: a dead network or a learning rate of nothing; CS231n: the loss of chance, log C.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import number, percent
from tuner.records.finding import Remedy

NAME = "not_learning"

LIMIT = 0.02
LIMIT_GUESSED = 0.01


def find(f: Features) -> Hits:
    train, val = f.train, f.val
    use_val = ~f.has_train
    count = np.where(use_val, val.n, train.n)
    best = np.where(use_val, val.best + val.luck, train.best + train.luck)
    end = np.where(use_val, val.end, train.end)
    level = np.minimum(best, end)
    reference = np.where(np.isfinite(f.reference), f.reference, 0.0)
    learnt = ratio(reference - level, np.maximum(np.abs(reference), 1e-12))
    known = f.reference_known
    change, error = train.trend
    falling = (change < -3 * error) & (train.forecast[0] > 0.01 * np.abs(reference))
    limit = np.where(known, LIMIT, LIMIT_GUESSED)
    hit = (count >= np.where(known, 3, 10)) & (learnt < limit) & ~falling
    margin = 2 * (limit - learnt) / limit
    most = np.where(known, np.where(count <= 5, 0.8, 0.97), 0.6)
    return Hits(
        hit,
        sure(margin, np.where(use_val, np.minimum(most, 0.7), most)),
        np.full(len(learnt), np.nan),
        {
            "learnt": learnt,
            "reference": reference * f.batch.scale,
            "best": level * f.batch.scale,
            "epochs": count * 1.0,
        },
    )


def says(case: Case) -> str:
    learnt = case.evidence["learnt"]
    best, reference = number(case.evidence["best"]), number(case.evidence["reference"])
    against = f"the {reference} of a network that has learnt nothing"
    if learnt <= 0:
        return f"after {int(case.evidence['epochs'])} epochs the training loss is {best}, no better than {against}"
    return f"after {int(case.evidence['epochs'])} epochs the training loss is {best}, {percent(learnt)} below {against}"


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        case.change(of.LR, times(10, high=1.0), "learning rate × 10", "the steps may be too small to see", "T §VI.1"),
        Remedy("check the labels", "shuffled or constant labels leave nothing to learn", "T §VI.1"),
        case.switch(
            ("initialisation", "init"),
            "kaiming",
            "He or Xavier initialisation",
            "weights of 0 or far too large: dead units",
            "T §VII",
        ),
        case.switch(
            ("activation",),
            "leaky_relu",
            "another activation (leaky ReLU)",
            "dead or saturated units pass no gradient",
            "T §VII",
        ),
    )
