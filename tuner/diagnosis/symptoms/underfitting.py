"""Underfitting: training levels off too near the loss of the best constant predictor.

Question  Of what a constant predictor leaves to learn, how much has the network learnt when it stopped improving?
Formula   learnt = (reference - t_end) / |reference|; to_come = forecast fall of as many epochs again / |t_end|;
          late = (t_half - t_end) / (t_first - t_end); gap of validation over training
          reference: the baseline loss (class entropy, variance), else the untrained network's, else the first value.
Units     no unit: 1 when the loss reaches 0.
Ways      little learnt, nothing to come, no longer falling as before, and no gap; where the reference is only the first
          value, less still. Losses that may go below 0 have no such floor and are not asked.
Reaches   precision 0.83, recall 0.92 (35 said, 26 planted) on the tuning half, by limits set on its other families.
Source    Boudart, course 2 §4.2; TUM §VI.1: training error against the reachable error is the bias.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import number, percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "underfitting"

WAYS = (
    (
        Condition("learnt", 0.494, 0.432, 0.5),
        Condition("learnt", 0.0149, 0.0192, 0.02),
        Condition("to_come", 0.161, 0.0242, 0.1),
        Condition("late", 0.812, 0.396, 0.3),
        Condition("gap", 0.585, 0.379, 0.3),
    ),
    (
        Condition("learnt_guessed", 0.143, 0.104, 0.1),
        Condition("to_come", 0.161, 0.0242, 0.1),
        Condition("late", 0.812, 0.396, 0.3),
        Condition("gap", 0.585, 0.379, 0.3),
    ),
)
GUESSED = 0.65
"""Of the confidence that is left where the reference is only the first value."""


def measures(f: Features) -> dict[str, Array]:
    train = f.train
    asked = f.has_train & (train.end > 0) & (train.n >= np.where(f.reference_known, 5, 10))
    return {
        "learnt": np.where(asked, f.learnt, np.nan),
        "learnt_guessed": np.where(asked, f.learnt_guessed, np.nan),
        "to_come": ratio(train.forecast[0], np.abs(train.end)),
        "late": f.late_share,
        "gap": f.gap,
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence * np.where(f.reference_known, 1.0, GUESSED),
        np.full(len(confidence), np.nan),
        {
            "learnt": np.where(f.reference_known, f.learnt, f.learnt_guessed),
            "train_end": f.quiet_end * f.batch.scale,
            "reference": f.reference * f.batch.scale,
            "fall_to_come": known["to_come"],
            "last_epoch": f.epochs_seen,
        },
    )


def says(case: Case) -> str:
    end, reference, learnt = (case.evidence[name] for name in ("train_end", "reference", "learnt"))
    return (
        f"training loss has levelled off at {number(end)}, only {percent(learnt)} below the {number(reference)} of a "
        "network that has learnt nothing"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        case.change(of.DROPOUT, plus(-0.2, low=0.0), "less dropout", "it takes capacity away", "B §4.2, T §VI"),
        case.change(
            of.WEIGHT_DECAY, times(0.1), "less weight decay", "it pulls the weights away from the fit", "B §4.2, T §VI"
        ),
        case.change(of.LR, times(3), "higher learning rate", "too small a step ends in the first flat place", "T §VI"),
        case.change(of.WIDTH, times(2), "more width", "capacity to fit the training set at all", "B §4.2, T §VI"),
        case.change(of.DEPTH, plus(1), "more depth", "capacity to fit the training set at all", "B §4.2, T §VI"),
        Remedy("more or better features", "what the input does not hold cannot be learnt", "B §4.2"),
    )
