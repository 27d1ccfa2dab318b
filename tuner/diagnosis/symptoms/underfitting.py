"""Underfitting: training levels off too near the loss of the best constant predictor.

Question  Of what a constant predictor leaves to learn, how much has the network learnt when it stopped improving?
Formula   learnt = (reference - t_end) / |reference|
          reference: the baseline loss (class entropy, variance), else the untrained network's, else the first value.
Units     no unit: 1 when the loss reaches 0.
Hit       learnt below LIMIT (below LIMIT_GUESSED where the reference is only the first value), the forecast fall of
          twice the epochs below FLAT of the level (half of that for validation), and no longer falling as before.
          Losses that may go below 0 have no such floor and are not asked.
Source    Boudart, course 2 §4.2; TUM §VI.1: training error against the reachable error is the bias.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import number, percent
from tuner.records.finding import Remedy

NAME = "underfitting"

LIMIT = 0.4
LIMIT_GUESSED = 0.15
FLAT = 0.1
"""The same as where undertrained begins: a low loss is the one or the other."""


def find(f: Features) -> Hits:
    train = f.train
    shape_end = np.where(f.has_train, train.end, f.val.end)
    reference = f.reference
    learnt = ratio(reference - shape_end, np.abs(reference))
    guessed = ~f.reference_known
    limit = np.where(guessed, LIMIT_GUESSED, LIMIT)
    to_come, _ = train.forecast
    val_to_come, _ = f.val.forecast
    flat = (to_come < FLAT * np.abs(shape_end)) | (f.has_val & (val_to_come < FLAT / 2 * np.abs(f.val.end)))
    positive = (reference > 0) & (shape_end > 0)
    hit = f.has_train & positive & flat & (learnt < limit) & (train.n >= np.where(guessed, 10, 5))
    hit &= (f.gap < 0.5) & ~f.still_falling
    margin = np.minimum(4 * (limit - learnt) / limit, 3 * (FLAT - ratio(to_come, np.abs(shape_end))) / FLAT)
    return Hits(
        hit,
        sure(margin, np.where(guessed, 0.65, np.where(train.n <= 10, 0.85, 0.97))),
        np.full(len(learnt), np.nan),
        {
            "learnt": learnt,
            "train_end": shape_end * f.batch.scale,
            "reference": reference * f.batch.scale,
            "fall_to_come": ratio(to_come, np.abs(shape_end)),
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
