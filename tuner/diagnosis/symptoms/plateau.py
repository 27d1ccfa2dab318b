"""Plateau: the training loss stalls well above its floor after having fallen, before a drop of the learning rate would.

Question  Did the loss stand still while there was more to gain?
Formula   drop: over all epochs, the largest fall within a tenth of the epochs after a quarter of them without progress,
          in units of max(|t_best|, gain / 5);
          stall: level over the last third, jumping by more than JUMPS of the level, with learnt between LOW and HIGH.
Units     no unit; since_epoch: where the stall began.
Hit       drop above DROP (a drop of the learning rate, or luck, showed what there was to gain), or a stall: a training
          loss that is level and jumps about is held up by its steps' size, not by what can be learnt.
Source    TUM §VI: decay the learning rate where the loss stalls.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.padded import Array, Ints
from tuner.diagnosis.plain import percent, since
from tuner.diagnosis.smooth import shifted
from tuner.records.finding import Remedy

NAME = "plateau"

DROP = 0.2
STALL = 0.06
JUMPS = 0.03
LOW, HIGH = 0.2, 0.7


def find(f: Features) -> Hits:
    train = f.train
    drop, at = _drop_after_stall(f)
    reference = np.where(np.isfinite(f.reference), f.reference, 0.0)
    learnt = ratio(reference - train.end, np.abs(reference))
    change, _ = train.trend
    level = np.abs(change) < STALL * f.train_unit
    jumps = ratio(train.late_sigma, f.train_unit)
    stalls = level & (jumps > JUMPS) & (learnt > LOW) & (learnt < HIGH) & f.reference_known & (train.n >= 10)
    dropped = (drop > DROP) & (train.n >= 10)
    third = train.at(train.curve.epoch, train.n - np.maximum(train.n // 3, 4))
    margin = np.where(dropped, drop / DROP - 1, np.minimum(jumps / JUMPS - 1, 3 * (HIGH - learnt) / HIGH))
    return Hits(
        f.has_train & (dropped | stalls),
        sure(margin, np.where(dropped, 0.9, 0.75)),
        np.where(dropped, train.at(train.curve.epoch, at), third),
        {"drop": np.where(dropped, drop, np.nan), "learnt": learnt, "jumps": jumps},
    )


def _drop_after_stall(f: Features) -> tuple[Array, Ints]:
    """The largest fall after a stall, in the level's unit, and the position at which the stall began."""
    curve, n = f.train.coarse, f.train.n
    best, where = np.zeros(len(n)), np.zeros(len(n), np.int64)
    position = np.arange(curve.shape[1])[None, :]
    for quarter in np.unique(np.maximum(n // 4, 3)):
        rows = np.flatnonzero(np.maximum(n // 4, 3) == quarter)
        quick = max(int(quarter) * 2 // 5, 2)
        mine, count = curve[rows], n[rows]
        unit = f.train_unit[rows][:, None]
        stall = np.abs(mine - shifted(mine, count, -int(quarter))) / unit
        fall = (mine - shifted(mine, count, quick)) / unit
        inside = (position >= quarter) & (position + quick < count[:, None])
        score = np.where(inside & (stall < 0.08) & (fall > 3 * stall), fall, 0.0)
        at = np.argmax(score, axis=1)
        best[rows] = score[np.arange(len(rows)), at]
        where[rows] = np.maximum(at - quarter, 0)
    return best, where


def says(case: Case) -> str:
    if "drop" in case.evidence:
        return (
            f"training loss stood still{since(case.since_epoch)} for a quarter of the epochs, then fell by "
            f"{percent(case.evidence['drop'])} at once: the learning rate could have dropped earlier"
        )
    jumps = percent(case.evidence["jumps"])
    level = f"training loss has been level{since(case.since_epoch)}"
    return f"{level}, jumping by {jumps}: the steps are too large to go lower"


def remedies(case: Case) -> tuple[Remedy, ...]:
    because = f"smaller steps{since(case.since_epoch)} reach lower (step or exponential too)"
    return (case.switch(("schedule",), "cosine", "decay the learning rate", because, "T §VI"),)
