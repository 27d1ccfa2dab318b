"""What a learning-rate range test shows: the loss over a rate that rises geometrically. numpy alone.

Question  Which learning rates train this network, and from which up does it diverge?
Formula   smoothed = exponential moving average with bias correction, taken from both ends and averaged, so that it
          lags behind nothing; the median over the seeds, of losses that are held at CEILING falls above the start.
          steepest = the rate at which it falls fastest per decade, before its lowest point.
          edge = the last rate before it has risen from its lowest point by RISEN of what it had fallen.
Units     learning rates; losses in their own unit.
Stop      a loss that is not finite, or whose average lies FAR times max(|best|, start - best) above the best: four
          times the best where the loss has hardly fallen.
Source    Smith (2017), cyclical learning rates, §3.3; Smith and Topin (2018); the smoothing as in fastai.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
MEMORY = 0.9
"""Of the average that stops a training. The one that smooths the curve forgets over a tenth of the iterations."""
FAR = 3.0
CEILING = 0.5
RISEN = 0.1
SEEN = 5
"""Iterations before a loss is called far above the best: the first are of single batches."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """The loss while the rate rose, over all seeds."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Smoothed; infinite once half of the seeds have diverged."""
    start: float
    """The untrained network's, on the first batches."""
    steepest: float | None
    """None where the loss never fell."""
    edge: float | None
    """None where the loss did not rise again up to the last rate."""


class Watch:
    """Whether a training goes on, told loss by loss."""

    def __init__(self) -> None:
        self._sum, self._weight, self._count = 0.0, 0.0, 0
        self._start = self._best = math.inf

    def goes_on(self, loss: float) -> bool:
        if not math.isfinite(loss):
            return False
        self._sum = MEMORY * self._sum + (1 - MEMORY) * loss
        self._weight = MEMORY * self._weight + (1 - MEMORY)
        smoothed = self._sum / self._weight
        self._count += 1
        if self._count == 1:
            self._start = smoothed
        self._best = min(self._best, smoothed)
        scale = max(abs(self._best), self._start - self._best)
        return self._count < SEEN or smoothed - self._best <= FAR * scale


def ramp_of(rates: Sequence[float], runs: Sequence[Sequence[float]]) -> Ramp:
    """`runs`: the raw losses of each seed; shorter than `rates` where it was stopped."""
    start = float(np.median([np.mean(run[:SEEN]) if run else math.inf for run in runs]))
    curves = np.stack([_smoothed(run, len(rates), start) for run in runs])
    curve = np.median(curves, axis=0)
    finite = np.isfinite(curve)
    steepest = edge = None
    if finite.sum() > 2 and math.isfinite(start):
        last = int(np.flatnonzero(finite)[-1])
        lowest = int(np.argmin(np.where(finite, curve, np.inf)))
        slope = np.gradient(curve[: last + 1], np.log10(np.asarray(rates[: last + 1])))
        if lowest > 0 and slope[: lowest + 1].min() < 0:
            steepest = float(rates[int(np.argmin(slope[: lowest + 1]))])
        fall = max(start - float(curve[lowest]), 0.0)
        risen = np.flatnonzero(~(curve <= curve[lowest] + RISEN * fall) & (np.arange(len(curve)) > lowest))
        if len(risen):
            edge = float(rates[max(int(risen[0]) - 1, 0)])
    return Ramp(tuple(rates), tuple(map(float, curve)), start, steepest, edge)


def end_of(losses: Sequence[float], iterations: int) -> float:
    """The loss that a training of so many iterations came to: the mean of its last tenth; infinite where it stopped."""
    if len(losses) < iterations or not all(map(math.isfinite, losses)):
        return math.inf
    return float(np.mean(losses[-max(SEEN, iterations // 10) :]))


def geometric(low: float, high: float, count: int) -> list[float]:
    """`count` rates from `low` to `high`, both included, each the same factor above the one before."""
    return [float(rate) for rate in np.geomspace(low, high, count)]


def _smoothed(run: Sequence[float], length: int, start: float) -> Array:
    """One seed's curve; infinite from where it was stopped."""
    out = np.full(length, np.inf)
    kept = np.asarray(run, float)
    kept = kept[np.isfinite(kept)] if len(kept) == length else kept[:-1]
    if not len(kept):
        return out
    fall = max(start - float(kept.min()), abs(start) * 1e-9)
    held = np.minimum(kept, start + CEILING * fall)
    memory = 1 - min(1.0, 10 / length)
    out[: len(held)] = (_average(held, memory) + _average(held[::-1], memory)[::-1]) / 2
    return out


def _average(values: Array, memory: float) -> Array:
    """Exponential moving average with bias correction."""
    out, total, weight = np.empty(len(values)), 0.0, 0.0
    for i, value in enumerate(values):
        total, weight = memory * total + (1 - memory) * value, memory * weight + (1 - memory)
        out[i] = total / weight
    return out
