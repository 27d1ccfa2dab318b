"""From measures to a probability: conditions that hold more or less, joined by and and or.

A symptom has ways in which it shows; each way is a list of conditions on its measures. A condition holds with
probability 1/2 at its limit and 9/10 at `sure`, logistic in asinh(measure / unit): in steps below the unit, in factors
above it. All conditions of a way have to hold (their product); one way is enough (1 minus the product of the rest).
The limits were set by maximum likelihood on the tuning half of the corpus (`benchmarks/diagnosis_limits.py`), so the
result is the confidence that is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tuner.diagnosis.padded import Array

FARTHEST = 1e6
"""Measures are cut to this many units: far enough for any limit."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`measure` beyond `limit`, on the side of `sure`; a measure that is NaN does not hold."""

    measure: str
    limit: float
    sure: float
    unit: float

    @property
    def slope(self) -> float:
        """Of the logistic function, per asinh(measure / unit)."""
        return math.log(9) / (math.asinh(self.sure / self.unit) - math.asinh(self.limit / self.unit))

    def holds(self, value: Array) -> Array:
        """[B]: the probability."""
        with np.errstate(over="ignore"):
            probability: Array = _hold(((self,),), {self.measure: value})[0]
        return probability


SUREST = 0.99
"""No curve makes surer, unless a value is not finite: the limits were set on some hundred curves, not on all."""

Way = tuple[Condition, ...]


def weigh(ways: tuple[Way, ...], measures: Mapping[str, Array]) -> tuple[Array, tuple[Array, ...]]:
    """[B]: the probability that the symptom holds; and that of each way alone."""
    held = iter(_hold(ways, measures))
    each = []
    for way in ways:
        together = next(held)
        for _ in way[1:]:
            together = together * next(held)
        each.append(together)
    none = 1 - each[0]
    for one in each[1:]:
        none = none * (1 - one)
    return np.minimum(1 - none, SUREST), tuple(each)


def _hold(ways: tuple[Way, ...], measures: Mapping[str, Array]) -> Array:
    """[C, B]: the probability of each condition, all at once: what costs one history is the number of calls."""
    names, unit, slope, limit = _numbers(ways)
    size = np.array([measures[name] for name in names], np.float64) / unit
    size = np.minimum(np.maximum(size, -FARTHEST), FARTHEST)  # np.clip takes three times as long
    away = slope * (np.arcsinh(size) - limit)
    held: Array = np.where(np.isnan(away), 0.0, 1 / (1 + np.exp(-away)))
    return held


@lru_cache(maxsize=256)
def _numbers(ways: tuple[Way, ...]) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Of all conditions: the measures, and [C, 1] each: unit, slope, and asinh of the limit in units."""
    conditions = [condition for way in ways for condition in way]
    unit = np.array([[condition.unit] for condition in conditions])
    slope = np.array([[condition.slope] for condition in conditions])
    limit = np.array([[math.asinh(condition.limit / condition.unit)] for condition in conditions])
    return tuple(condition.measure for condition in conditions), unit, slope, limit
