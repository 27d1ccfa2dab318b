"""Not learning: the training loss stays at the constant predictor's.

Question  Is the loss at its best any better than that of a network that has learnt nothing?
Formula   learnt = (reference - t_best - luck) / |reference|; val_learnt likewise
          reference: the baseline loss, else the untrained network's, else the first value of the curve.
          falls: by how many standard errors the training loss falls over its last third.
Units     no unit: 0.02 is two per cent of the way to a loss of 0.
Ways      learnt near 0, of three epochs and more where the reference is known; where it is only the first value, of ten
          and more: the first epoch may have learnt it all. Neither where the loss falls clearly: that is slow.
Reaches   precision 0.92, recall 0.95 (36 said, 20 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI.1 and VII: a dead network or a learning rate of nothing; CS231n: the loss of chance, log C.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import number, percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "not_learning"

WAYS = (
    (
        Condition("learnt", 0.0436, 0.0192, 0.02),
        Condition("val_learnt", 0.125, 0.0836, 0.05),
        Condition("falls", 110.0, 44.9, 3.0),
    ),
    (Condition("learnt_guessed", 0.0165, 0.00269, 0.01), Condition("falls", 5.23, 2.98, 3.0)),
)
GUESSED = 0.65
"""Of the confidence that is left where the reference is only the first value."""
THROWN = 2.0
"""How many times the loss without learning the first epoch's has to be for its steps to be what killed the network:
it was 3.8 to 24 times in trials that died of lr 0.28 to 0.83, and once where lr was too small (docs/log.md)."""


def measures(f: Features) -> dict[str, Array]:
    train, val = f.train, f.val
    use_val = ~f.has_train
    count = np.where(use_val, val.n, train.n)
    best = np.where(use_val, val.best + val.luck, train.best + train.luck)
    level = np.minimum(best, np.where(use_val, val.end, f.quiet_end))
    reference = np.where(np.isfinite(f.reference), f.reference, 0.0)
    size = np.maximum(np.abs(reference), 1e-12)
    learnt = ratio(reference - level, size)
    known = f.reference_known
    return {
        "learnt": np.where(known & (count >= 3), learnt, np.nan),
        "learnt_guessed": np.where(~known & (count >= 10), learnt, np.nan),
        "val_learnt": np.where(f.has_val, ratio(reference - val.best - val.luck, size), 0.0),
        "falls": np.where(use_val, f.val_falls, f.train_falls),
        "level": level,
        "count": count * 1.0,
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence * np.where(f.reference_known, 1.0, GUESSED) * np.where(f.has_train, 1.0, 0.7),
        np.full(len(confidence), np.nan),
        {
            "learnt": np.where(f.reference_known, known["learnt"], known["learnt_guessed"]),
            "reference": f.reference * f.batch.scale,
            "best": known["level"] * f.batch.scale,
            "epochs": known["count"],
            "first": f.first * f.batch.scale,
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
    first, without = case.evidence["first"], max(case.evidence["reference"], case.history.initial_loss or 0.0)
    thrown = without > 0 and first > THROWN * without
    return (
        case.change(
            of.LR,
            times(0.1),
            "learning rate / 10",
            f"the first steps threw the network where nothing is learnt: its first epoch's loss is {number(first)}",
            "T §VI.1",
        )
        if thrown
        else case.change(
            of.LR, times(10, high=1.0), "learning rate × 10", "the steps may be too small to see", "T §VI.1"
        ),
        Remedy("check the labels", "shuffled or constant labels leave nothing to learn", "T §VI.1"),
        case.switch(
            ("initialisation", "init"),
            "he",
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
