"""What the tests say of tonight's controls, to either side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.history import History, agree
from tuner.nightly.verdict.ranks import Values, both_chances, chance_of_larger_paired


@dataclass(frozen=True, slots=True)
class Chances:
    """p-values, one-sided: how easily luck alone brings what was seen."""

    controls: float
    """Tonight's beside the accepted night's and the last good nights'."""
    drift: float
    """The last good nights' and tonight's beside the accepted night's and those that followed it."""
    paired: float
    """Seed by seed beside the nights of the same conditions; 1 where these repeat bit for bit or there are none."""


def chances(tonight: Figures, past: History, ours: Values, late: Values) -> tuple[Chances, Chances]:
    """That tonight is worse, and that it is better. `ours`: badness of tonight's controls; `late`: units of the last
    good nights and of tonight."""
    same = _same(tonight, past)
    loose = repeats_loosely(same)
    controls, begun = both_chances(ours, past.reference), both_chances(ours, past.early)
    drift = both_chances(late, past.early) if past.late else (1.0, 1.0)
    worse, better = (
        Chances(
            controls=controls[side],
            drift=drift[side] if begun[side] < 0.5 else 1.0,  # tonight has to point the same way
            paired=_paired(tonight, same, sign) if loose else 1.0,
        )
        for side, sign in enumerate((past.sign, -past.sign))
    )
    return worse, better


def _same(tonight: Figures, past: History) -> list[Figures]:
    return [night for night in past.good if night.conditions and night.conditions == tonight.conditions]


def repeats_loosely(nights: list[Figures]) -> bool:
    """Whether nights of the same conditions are known to differ by themselves, as on a GPU."""
    return any(not agree(one.controls, other.controls) for one, other in pairwise(nights))


def repeats_exactly(nights: list[Figures]) -> bool:
    return len(nights) > 1 and not repeats_loosely(nights)


def strays(tonight: Figures, past: History) -> bool:
    """Its conditions' nights repeated each other bit for bit, and tonight does not."""
    same = _same(tonight, past)
    return repeats_exactly(same) and not any(agree(tonight.controls, one.controls) for one in same)


def _paired(tonight: Figures, same: list[Figures], sign: float) -> float:
    seeds = sorted(tonight.controls)
    before = [_values(same, seed, sign) for seed in seeds]
    return chance_of_larger_paired([sign * tonight.controls[seed] for seed in seeds], before)


def _values(nights: list[Figures], seed: int, sign: float) -> Values:
    return np.array([sign * night.controls[seed] for night in nights if seed in night.controls], dtype=float)
