"""Plateau: the training loss stalls well above its floor after having fallen, before a drop of the learning rate would.

Question  Did the loss stand still while there was more to gain?
Formula   drop: over all epochs, the largest fall within a tenth of the epochs after a quarter of them without progress
          in units of max(|t_best|, gain / 5); moved: how far its halves differ, or it stood above an earlier level,
          over that fall; share: the drop, of all that was gained;
          stall: change over the last third and jumps (noise scale) / level; learnt = (reference - t_end) / |reference|.
Units     no unit; since_epoch: where the stall began.
Ways      drop above its limit (a drop of the learning rate, or luck, showed what there was to gain), or a stall: a
          training loss that is level and jumps about is held up by its steps' size, not by what can be learnt.
Reaches   precision 0.58, recall 0.56 (24 said, 18 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI: decay the learning rate where the loss stalls.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array, Ints
from tuner.diagnosis.plain import percent, since
from tuner.diagnosis.smooth import shifted
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "plateau"

WAYS = (
    (
        Condition("drop", 0.179, 0.246, 0.2),
        Condition("moved", 0.173, -0.0165, 0.3),
        Condition("share", 0.106, 0.188, 0.1),
    ),
    (
        Condition("jumps", 0.0537, 0.0819, 0.05),
        Condition("change", 0.185, -0.00548, 0.1),
        Condition("learnt", 0.219, 0.366, 0.3),
        Condition("learnt", 0.575, 0.471, 0.3),
    ),
)

SURE = 0.6
"""Said from here on: with limits set on the other families, what was less sure held in one case of three."""
FALLEN = 0.25
"""Share of all the gain that comes before a stall: what waits at the start for its first step is no plateau."""


def measures(f: Features) -> dict[str, Array]:
    train = f.train
    drop, moved, at = _drop_after_stall(f)
    enough = f.has_train & (train.n >= 10)
    return {
        "drop": np.where(enough, drop, np.nan),
        "moved": moved,
        "share": ratio(drop * f.train_unit, f.train_gain_from_start),
        "jumps": np.where(enough, ratio(train.late_sigma, f.train_unit), np.nan),
        "change": np.abs(ratio(train.trend[0], f.train_unit)),
        "learnt": f.learnt,
        "stalled_at": train.at(train.curve.epoch, at),
    }


def find(f: Features) -> Hits:
    train = f.train
    known = measures(f)
    confidence, (dropped, stalls) = weigh(WAYS, known)
    by_drop = dropped >= stalls
    third = train.at(train.curve.epoch, train.n - np.maximum(train.n // 3, 4))
    return Hits(
        np.where(confidence >= SURE, confidence, 0.0),
        np.where(by_drop, known["stalled_at"], third),
        {
            "drop": np.where(by_drop, known["drop"], np.nan),
            "learnt": f.learnt,
            "jumps": ratio(train.late_sigma, f.train_unit),
        },
    )


def _drop_after_stall(f: Features) -> tuple[Array, Array, Ints]:
    """The clearest fall after a stall, in the level's unit; how still it stood before; where the stall began.

    Before: the two halves of a quarter of the epochs; the fall is as long as two fifths of that, and the level after it
    as long again. Means, not values: a loss may jump about while it stalls. A stall that stands above where the loss
    had been before is no stall but a bump on the way down.
    """
    value, n = f.train.middle, f.train.n
    drop, moved, where = np.zeros(len(n)), np.zeros(len(n)), np.zeros(len(n), np.int64)
    position = np.arange(value.shape[1])[None, :]
    for quarter in np.unique(np.maximum(n // 4, 4)):
        rows = np.flatnonzero(np.maximum(n // 4, 4) == quarter)
        half, quick = int(quarter) // 2, max(int(quarter) * 2 // 5, 2)
        mine, count = value[rows], n[rows]
        total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(mine - mine[:, :1], axis=1)], 1)

        def between(start: int, stop: int, total: Array = total, count: Ints = count) -> Array:
            """Mean level of the points at these distances from each position, above the first value."""
            return (shifted(total, count + 1, stop) - shifted(total, count + 1, start))[:, :-1] / (stop - start)

        late, early, after = between(-half, 0), between(-2 * half, -half), between(quick, 2 * quick)
        unit = f.train_unit[rows][:, None]
        inside = (position >= 2 * half) & (position + 2 * quick <= count[:, None])
        lowest = np.minimum.accumulate(np.where(position >= half, late, np.inf), axis=1)
        stall = np.maximum(np.abs(late - early), late - lowest) / unit
        fall = (late - after) / unit
        fallen = f.start_high[rows][:, None] - mine[:, :1] - late > FALLEN * f.train_gain_from_start[rows][:, None]
        score = np.where(inside & fallen, fall - 2 * stall, -np.inf)
        at = np.argmax(score, axis=1)
        each = np.arange(len(rows))
        any_ = np.isfinite(score[each, at])
        drop[rows] = np.where(any_, np.maximum(fall[each, at], 0.0), 0.0)
        moved[rows] = np.where(any_, ratio(stall[each, at], fall[each, at]), np.inf)
        where[rows] = np.maximum(at - 2 * half, 0)
    return drop, moved, where


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
