"""Undertrained: both losses are still falling at the last epoch.

Question  If it went on as long again, how much further would the losses fall?
Formula   to_come = forecast / max(|best|, gain / 5), of training and validation
          forecast: the last doubling's gain times its ratio to the doubling before (a power law), and no more than the
          slope of the last third would give; falls, slighter: the clearer and the less clear of the two trends, in
          standard errors; lately: whether the last sixth fell as the last third did.
Units     no unit (0.12: another 12 % of the present level); more_epochs in epochs.
Ways      both have far to come and fall, one of them clearly, to the last, with no gap that more epochs would not
          close; of one curve alone: far more to come, and a good share of its fall in the second half.
Reaches   precision 0.92, recall 0.92 (50 said, 26 planted) on the tuning half, by limits set on its other families.
Source    Boudart, course 2 §4.2; TUM §VI.1; Google's tuning playbook: the best step in the last quarter.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import epochs, percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "undertrained"

WAYS = (
    (
        Condition("train_to_come", -0.0316, 0.0399, 0.1),
        Condition("val_to_come", 0.0795, 0.179, 0.1),
        Condition("falls", 1.79, 4.51, 2.0),
        Condition("slighter", 0.952, 3.46, 2.0),
        Condition("lately", 0.0989, 0.33, 0.3),
        Condition("gap", 1.31, 0.498, 0.3),
    ),
    (
        Condition("alone_to_come", 0.14, 0.475, 0.1),
        Condition("alone_falls", 2.61, 4.97, 2.0),
        Condition("alone_late", 0.11, 0.228, 0.3),
    ),
)
ALONE = 0.85
"""Of the confidence that is left where there is only one of the two curves."""
ENOUGH = 0.05
"""More epochs are proposed until so little, of the level, is still to come in as many again."""
MOST = 8.0
"""No more than this many times the epochs so far is ever proposed: the forecast reaches no further."""


def measures(f: Features) -> dict[str, Array]:
    train, val = f.train_to_come, f.val_to_come
    enough = np.where(f.has_train, f.train.n, f.val.n) >= 5
    both = f.has_train & f.has_val
    return {
        "train_to_come": np.where(enough & both, train, np.nan),
        "val_to_come": val,
        "alone_to_come": np.where(enough & ~both, np.where(f.has_train, train, val), np.nan),
        "alone_falls": np.where(f.has_train, f.train_falls, f.val_falls),
        "alone_late": np.where(f.has_train, f.late_share, 1.0),
        "falls": np.maximum(np.where(f.has_train, f.train_falls, 0.0), np.where(f.has_val, f.val_falls, 0.0)),
        "slighter": np.minimum(np.where(f.has_train, f.train_falls, 10.0), np.where(f.has_val, f.val_falls, 10.0)),
        "lately": np.minimum(np.where(f.has_train, f.train.lately, 1.0), np.where(f.has_val, f.val.lately, 1.0)),
        "gap": f.gap,
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    both = np.fmin(f.train_to_come, f.val_to_come)
    doublings = np.ceil(np.log2(np.maximum(both / ENOUGH, 2.0)))
    more = f.epochs_seen * (np.minimum(2.0**doublings, MOST) - 1)
    return Hits(
        confidence * np.where(f.has_train & f.has_val, 1.0, ALONE),
        np.full(len(both), np.nan),
        {
            "train_to_come": f.train_to_come,
            "val_to_come": f.val_to_come,
            "more_epochs": more,
            "last_epoch": f.epochs_seen,
        },
    )


MOST_SAID = 0.9
"""Share of a loss beyond which a forecast is not said as a number: the curve flattens before it gets there."""


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
