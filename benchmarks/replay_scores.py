"""From traces to numbers: regret, speed-up against random search, geometric means with intervals.

Regret    (best so far − best of the table) / (median row − best of the table), not below FLOOR nor above CAP.
          A table's best is its lowest loss at any epoch, a row's value its own lowest; below a thousandth of the way to
          the median row a difference is noise, and a row that exploded is no worse than ten median ones.
Curve     the geometric mean over a task's seeds, at each moment of simulated time.
Speed-up  t_random / t_method, where t is the first moment at which the curve is down at what random search's curve is
          when the budget is spent. A method that never gets there counts as if random search had then been begun
          afresh: t_method = budget + t_random. So a speed-up is finite, 1 for random search, at most 1/2 for a failure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from replay_clock import Trace

Array = npt.NDArray[np.float64]
FLOOR, CAP = 1e-3, 10.0
POINTS = 400
"""Moments at which a curve is known, the last of them the end of the budget; a small budget has one an epoch."""
SHARES = 100
"""Moments of a summary's curve."""


def moments(budget: int, workers: int) -> Array:
    """Simulated times from one epoch to the end: the budget's epochs over all workers, all of them busy."""
    end = max(1, -(-budget // workers))
    return np.unique(np.ceil(np.linspace(end / min(POINTS, end), end, min(POINTS, end))))


def regret_curve(trace: Trace, best: float, scale: float, times: Array) -> Array:
    """Regret at each of the times; CAP before the first finite loss."""
    if not trace.falls:
        return np.full(len(times), CAP)
    when, losses = np.array(trace.falls).T
    place = np.searchsorted(when, times, side="right") - 1
    regret = np.where(place >= 0, (losses[np.maximum(place, 0)] - best) / scale, CAP)
    return np.clip(regret, FLOOR, CAP)


def mean_curve(curves: Array) -> Array:
    """Geometric mean over seeds: [seed, moment] -> [moment]."""
    return np.exp(np.log(curves).mean(axis=0))


def speedup(method: Array, random: Array, times: Array) -> float:
    """Of mean curves that never rise."""
    target = random[-1] * (1 + 1e-9)
    reached_random = _first(random, target, times)
    reached = _first(method, target, times)
    assert reached_random is not None
    return reached_random / (times[-1] + reached_random if reached is None else reached)


def _first(curve: Array, target: float, times: Array) -> float | None:
    down = curve <= target
    return float(times[int(np.argmax(down))]) if down.any() else None


@dataclass(frozen=True)
class Group:
    """What is averaged: all tasks of a table."""

    table: str
    workers: int
    method: str


@dataclass(frozen=True)
class Value:
    """A geometric mean with its interval of 95 %."""

    value: float
    low: float
    high: float

    def shown(self, form: str) -> str:
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


@dataclass(frozen=True)
class Summary:
    """One method over the tasks of a table."""

    group: Group
    tasks: int
    seeds: int
    """Of the task that has the fewest."""
    regret: Value
    """When the budget is spent."""
    speedup: Value
    shares: Array
    """Moments, as shares of the budget."""
    curve: Array
    """Regret at each: [value, low, high]."""


def summarise(
    group: Group, curves: Sequence[Array], randoms: Sequence[Array], times: Sequence[Array], *, draws: int = 1000
) -> Summary:
    """Geometric means over tasks, with intervals by a bootstrap over tasks and seeds.

    `curves`, `randoms`: of each task, [seed, moment]; `times`: its moments. Of a task that is drawn, the seeds are
    drawn again, those of the method and those of random search each on their own.
    """
    rng = np.random.default_rng(0)
    shares = np.linspace(1 / SHARES, 1, SHARES)
    logs, random_logs = [np.log(c) for c in curves], [np.log(c) for c in randoms]
    places = [np.maximum(np.searchsorted(at / at[-1], shares + 1e-9, side="right") - 1, 0) for at in times]

    def once(tasks: Sequence[int], *, again: bool) -> tuple[float, Array]:
        speeds, drawn = [], []
        for task in tasks:
            method, random = (_mean(found[task], rng if again else None) for found in (logs, random_logs))
            speeds.append(math.log(speedup(np.exp(method), np.exp(random), times[task])))
            drawn.append(method[places[task]])
        return math.exp(np.mean(speeds)), np.exp(np.mean(drawn, axis=0))

    speed, curve = once(range(len(curves)), again=False)
    found = [once(rng.integers(len(curves), size=len(curves)).tolist(), again=True) for _ in range(draws)]
    speed_low, speed_high = np.quantile([speed for speed, _ in found], [0.025, 0.975])
    low, high = np.quantile([drawn for _, drawn in found], [0.025, 0.975], axis=0)
    return Summary(
        group,
        tasks=len(curves),
        seeds=min(len(c) for c in curves),
        regret=Value(float(curve[-1]), float(low[-1]), float(high[-1])),
        speedup=Value(speed, float(speed_low), float(speed_high)),
        shares=shares,
        curve=np.array([curve, low, high]),
    )


def _mean(logs: Array, rng: np.random.Generator | None) -> Array:
    """Over seeds, which are drawn again with replacement where a generator is given."""
    if rng is None:
        return np.asarray(logs.mean(axis=0))
    weights = np.bincount(rng.integers(len(logs), size=len(logs)), minlength=len(logs)) / len(logs)
    return np.asarray(weights @ logs)
