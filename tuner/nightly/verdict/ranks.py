"""Two groups of values compared by ranks: exact for every distribution, and a diverged training is just the worst.

Statistic  U = pairs (one of tonight, one of the reference) in which tonight's is the larger, ties counted as halves.
p-value    share of all ways to cut the m + n values into groups of m and n whose U is as large: exact where no values
           are tied, and too large rather than too small where some are.
Paired     where the same seed was trained m times before under the same conditions, tonight's value has each of the
           m + 1 places with equal chance; the places of all seeds are added up.
Centre     median of the averages of all pairs of values, each with itself too.
Source     Mann and Whitney (1947); van Elteren (1960) for strata; Hodges and Lehmann (1963) for centre and interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@lru_cache(maxsize=4096)
def _tail(m: int, n: int) -> Values:
    """[u]: chance of a U of u or more, u = 0 … m n: a Gaussian binomial coefficient, term by term."""
    small, large = sorted((m, n))
    counts = np.zeros(m * n + 1)
    counts[0] = 1.0
    for i in range(1, small + 1):
        over = large + i
        if over < len(counts):
            counts[over:] = counts[over:] - counts[:-over]  # times 1 - x^over: the right side is read first
        rows = np.concatenate([counts, np.zeros(-len(counts) % i)]).reshape(-1, i)
        counts = rows.cumsum(axis=0).ravel()[: len(counts)]  # divided by 1 - x^i
    share = counts / counts.sum()
    return np.cumsum(share[::-1])[::-1]


def statistic(ours: Values, theirs: Values) -> float:
    ordered = np.sort(theirs)
    larger, no_less = ordered.searchsorted(ours, "left"), ordered.searchsorted(ours, "right")
    return float((larger + no_less).sum()) / 2


def chance_of_larger(ours: Values, theirs: Values) -> float:
    """One-sided p-value that `ours` are larger by luck alone; 1 where either is empty."""
    return both_chances(ours, theirs)[0]


def both_chances(ours: Values, theirs: Values) -> tuple[float, float]:
    """One-sided p-values that `ours` are larger, and that they are smaller, by luck alone."""
    if not len(ours) or not len(theirs):
        return 1.0, 1.0
    larger, tail = statistic(ours, theirs), _tail(len(ours), len(theirs))
    return float(tail[math.floor(larger)]), float(tail[math.floor(len(tail) - 1 - larger)])


def shift_interval(ours: Values, theirs: Values, each_side: float) -> tuple[float, float]:
    """By how much `ours` may lie above `theirs`: what the test of level `each_side` to either side does not refuse."""
    pairs = np.sort(_differences(ours, theirs))
    place = _critical(len(ours), len(theirs), each_side)
    if place is None:
        return -np.inf, np.inf
    return float(pairs[place]), float(pairs[len(pairs) - 1 - place])


def just_larger(ours: Values, theirs: Values, level: float) -> float:
    """The shift that would bring the p-value of `ours` just to `level`; infinite where so few values cannot."""
    return -shift_interval(ours, theirs, level)[0]


def _critical(m: int, n: int, level: float) -> int | None:
    """How many pairs may be smaller when the p-value is to be `level` or less; None: not even none."""
    allowed = int((_tail(m, n) <= level).sum())
    return allowed - 1 if allowed else None


def _differences(ours: Values, theirs: Values) -> Values:
    """Of all pairs; two infinitely bad ones do not differ."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num((ours[:, None] - theirs[None, :]).ravel(), nan=0.0, posinf=np.inf, neginf=-np.inf)


def chance_of_larger_paired(tonight: Sequence[float], before: Sequence[Values]) -> float:
    """`before`: for each value of tonight those of the same seed under the same conditions. Ties count as half a
    place down and are rounded against tonight."""
    shares, place = np.ones(1), 0.0
    for value, others in zip(tonight, before, strict=True):
        if len(others):
            shares = np.convolve(shares, np.full(len(others) + 1, 1.0 / (len(others) + 1)))
            place += float((others < value).sum() + (others == value).sum() / 2)
    return float(min(1.0, shares[int(np.floor(place)) :].sum()))


def centre(values: Values) -> float:
    """Infinite where more than some 29 % of the values are; raises ValueError for none."""
    if not len(values):
        raise ValueError("no values")
    first, second = _pairs(len(values))
    averages = np.sort((values[first] + values[second]) / 2)
    low, high = averages[(len(averages) - 1) // 2], averages[len(averages) // 2]
    return float(low if low == high else (low + high) / 2)


@lru_cache(maxsize=256)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n)
