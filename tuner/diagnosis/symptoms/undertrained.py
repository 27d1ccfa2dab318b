"""Undertrained: both losses are still falling at the last epoch.

Question  If it went on as long again, how much further would the losses fall?
Formula   to_come = forecast / max(|best|, gain / 5)
          forecast: the last doubling's gain times its ratio to the doubling before (a power law), and no more than the
          slope of the last third would give.
Units     no unit (0.12: another 12 % of the present level); more_epochs in epochs.
Hit       to_come above LIMIT for training and validation both (for the one that there is), both trends falling, one of
          them by more than SIGMAS standard errors.
Source    Boudart, course 2 §4.2; TUM §VI.1; Google's tuning playbook: the best step in the last quarter.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import epochs, percent
from tuner.diagnosis.shape import Shape
from tuner.records.finding import Remedy

NAME = "undertrained"

LIMIT = 0.1
SIGMAS = 3.0
SLIGHTLY = 1.0
GAP = 0.6
"""Validation above training, of its level, from which more epochs are not what is missing."""
MOST = 8.0
"""No more than this many times the epochs so far is ever proposed: the forecast reaches no further."""


def find(f: Features) -> Hits:
    train_more, train_falls = _to_come(f.train, f.train_unit)
    val_more, val_falls = _to_come(f.val, f.val_unit)
    train_ok = ~f.has_train | ((train_falls > SLIGHTLY) & (train_more > LIMIT))
    val_ok = ~f.has_val | ((val_falls > SLIGHTLY) & (val_more > LIMIT))
    clear = np.maximum(np.where(f.has_train, train_falls, 0.0), np.where(f.has_val, val_falls, 0.0)) > SIGMAS
    enough = np.where(f.has_train, f.train.n, f.val.n) >= 5
    hit = (f.has_train | f.has_val) & train_ok & val_ok & clear & enough & (f.gap < GAP)
    both = np.where(f.has_train & f.has_val, np.minimum(train_more, val_more), np.fmax(train_more, val_more))
    seen = f.epochs_seen
    doublings = np.ceil(np.log2(np.maximum(both / (LIMIT / 2), 2.0)))
    more = seen * (np.minimum(2.0**doublings, MOST) - 1)
    short = np.where(f.has_val, f.val.n, f.train.n) <= 10
    most = np.where(short, 0.9, np.where(f.has_train & f.has_val, 0.97, 0.8))
    return Hits(
        hit,
        sure(both / LIMIT - 1, most),
        np.full(len(both), np.nan),
        {
            "train_to_come": np.where(f.has_train, train_more, np.nan),
            "val_to_come": np.where(f.has_val, val_more, np.nan),
            "more_epochs": more,
            "last_epoch": seen,
        },
    )


MOST_SAID = 0.9
"""Share of a loss beyond which a forecast is not said as a number: the curve flattens before it gets there."""


def _to_come(shape: Shape, unit: Array) -> tuple[Array, Array]:
    """The forecast fall, of the level; and by how many standard errors the trend falls."""
    fall, _ = shape.forecast
    change, error = shape.trend
    return ratio(fall, unit), ratio(-change, error)


def says(case: Case) -> str:
    both = "train_to_come" in case.evidence and "val_to_come" in case.evidence
    which = "both losses are" if both else "the loss is"
    name = "validation loss" if "val_to_come" in case.evidence else "it"
    share = case.evidence.get("val_to_come", case.evidence.get("train_to_come", 0.0))
    down = f"down by about {percent(share)}" if share < MOST_SAID else "to a small part of what it is now"
    return (
        f"{which} still falling at epoch {int(case.evidence['last_epoch'])}: as many epochs again would bring {name} "
        f"{down}"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    more = max(1, round(case.evidence["more_epochs"]))
    total = round(case.evidence["last_epoch"]) + more
    planned = case.history.max_epochs
    because = f"about {epochs(more)} more bring most of what is still to come"
    longer = (
        Remedy("max_epochs", because, "B §4.2, T §VI", planned, total)
        if planned is not None and total > planned
        else Remedy("more epochs", because, "B §4.2, T §VI", int(case.evidence["last_epoch"]), total)
    )
    return (
        longer,
        case.change(of.LR, times(3), "higher learning rate", "the same way in fewer epochs", "T §VI"),
    )
