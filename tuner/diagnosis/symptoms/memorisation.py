"""Memorisation: validation levels off while training keeps falling.

Question  Since validation levelled off, how much has training gone on to gain that validation did not see?
Formula   train_fall = (t_then - t_end) / |t_then|;  gap = (v_end - t_end) / max(|v_best|, gain / 5)
          then: the first epoch at which validation was within LEVEL of its level at the end;
          level: share of the curve since then; rise: of validation since its best; to_come: its forecast fall.
Units     no unit; epochs from 1.
Ways      train_fall, gap and level above their limits, validation neither rising (that is overfitting) nor still
          falling (that is undertrained).
Reaches   precision 0.88, recall 1.00 (33 said, 20 planted) on the tuning half, by limits set on its other families.
Source    Boudart, course 2 §4.2 (after Brownlee 2019): more of the training set is learnt by heart, nothing else.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent, since
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "memorisation"

WAYS = (
    (
        Condition("train_fall", 0.189, 0.369, 0.3),
        Condition("gap", 0.282, 0.373, 0.3),
        Condition("level", 0.094, 0.133, 0.3),
        Condition("rise", 0.168, 0.0334, 0.1),
        Condition("to_come", 0.649, 0.0348, 0.1),
    ),
)
LEVEL = 0.03
"""Distance from the level at the end, in units of the level, that counts as levelled off."""


def measures(f: Features) -> dict[str, Array]:
    val, train = f.val, f.train
    level = val.end + np.maximum(LEVEL * f.val_unit, 2 * val.end_error)
    then = np.argmax(val.curve.there & (val.coarse <= level[:, None]), axis=1)
    at_then = train.at(train.fine, f.train_position(val.at(val.curve.epoch, then)))
    fall = ratio(at_then - train.end, np.maximum(np.abs(at_then), 1e-12))
    both = f.has_val & f.has_train & (val.n >= 5)
    return {
        "train_fall": np.where(both, fall, np.nan),
        "gap": f.gap,
        "level": (val.n - then) / np.maximum(val.n, 1),
        "rise": f.val_rise_net,
        "to_come": np.where(f.has_val, f.val_to_come, 0.0),
        "since": val.at(val.curve.epoch, then),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence,
        known["since"],
        {
            "train_fall": known["train_fall"],
            "gap": f.gap,
            "val_rise": f.val_rise,
            "last_epoch": f.val.last_epoch,
        },
    )


def says(case: Case) -> str:
    return (
        f"validation loss has been level{since(case.since_epoch)} while training loss fell "
        f"{percent(case.evidence['train_fall'])}; the gap is {percent(case.evidence['gap'])} of the validation loss"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        Remedy("more data", "only new samples show validation what training goes on learning", "B §4.2"),
        case.augmentation(1.5, "augmentation", "more different training samples at no cost in data", "B §4.2"),
        case.change(of.DROPOUT, plus(0.2, high=0.6), "more dropout", "it hinders learning by heart", "B §4.2"),
        case.change(of.WEIGHT_DECAY, times(10, high=0.1), "more weight decay", "it hinders learning by heart", "T"),
        Remedy(
            "another architecture", "one that fits the data's structure generalises from the same samples", "B §4.2"
        ),
    )
