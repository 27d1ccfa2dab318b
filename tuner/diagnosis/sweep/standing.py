"""How the trials of a sweep stand to each other, compared at equal epochs.

Question  Which trials are the good ones, when most were stopped early?
Formula   two trials are compared by their best value up to the last epoch that both have reached; a trial's score is
          the share of its comparisons that it wins (a tie is half). A trial that ended by itself keeps its best value
          to the last epoch; a diverged or otherwise doomed one loses to all that are not.
Units     score: 0 (worst) to 1 (best), no unit.
Fair      a pruned trial is never held against what others reached later; failed, interrupted and running trials,
          and those that reported nothing, are left out: nothing is known of where they would have come.
Source    the pairwise (Copeland) ranking of voting theory; equal budgets as in successive halving.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.records.finding import UNKNOWN
from tuner.records.trial import COMPLETED, DOOMED, PRUNED, SweepRecord, TrialRecord

Array = npt.NDArray[np.float64]
LARGE = 600
"""Trials that are compared; of a larger sweep so many, evenly spread over it."""


@dataclass(frozen=True)
class Standing:
    """The comparable trials, in the order of their numbers, with their scores."""

    trials: tuple[TrialRecord, ...]
    score: Array

    @property
    def ranked(self) -> list[TrialRecord]:
        """Best first; of two equals the better value, then the earlier one. Without the doomed."""
        order = sorted(range(len(self.trials)), key=lambda i: (-round(float(self.score[i]), 12), i))
        return [self.trials[i] for i in order if self.trials[i].ending != DOOMED]

    def good(self) -> list[TrialRecord]:
        """The best fifth, four at least, best first; none of fewer than eight."""
        able = self.ranked
        return able[: max(4, len(able) // 5)] if len(able) >= 8 else []


def standing(record: SweepRecord) -> Standing:
    trials = [t for t in record.trials if t.ending in (COMPLETED, PRUNED, DOOMED) and t.epochs]
    if len(trials) > LARGE:
        trials = [trials[i] for i in np.linspace(0, len(trials) - 1, LARGE).astype(int)]
    if not trials:
        return Standing((), np.zeros(0))
    last = max(t.epochs[-1].epoch for t in trials)
    best = np.stack([best_so_far(t, record, last) for t in trials])
    until = np.array([last if t.ending == COMPLETED else t.epochs[-1].epoch for t in trials])
    doomed = np.array([t.ending == DOOMED for t in trials])
    wins = np.zeros((len(trials), len(trials)))
    for epoch in np.unique(until):
        values = best[:, epoch - 1]
        here = np.minimum(until[:, None], until[None, :]) == epoch
        beats = (values[:, None] < values[None, :]) + 0.5 * (values[:, None] == values[None, :])
        wins = np.where(here, beats, wins)
    wins = np.where(doomed[:, None] & ~doomed, 0.0, np.where(~doomed[:, None] & doomed, 1.0, wins))
    wins[doomed[:, None] & doomed] = 0.5
    np.fill_diagonal(wins, 0.0)
    return Standing(tuple(trials), wins.sum(axis=1) / max(1, len(trials) - 1))


def learnt_nothing(trials: Sequence[TrialRecord]) -> bool:
    """Whether most of those with a verdict do not learn: then luck ranks them, and where they lie says nothing."""
    said = [trial.verdict for trial in trials if trial.verdict not in (None, UNKNOWN)]
    return 2 * said.count("not_learning") > len(said)


def best_so_far(trial: TrialRecord, record: SweepRecord, last: int) -> Array:
    """The metric's best value up to each epoch from 1 to `last`, oriented so that lower is better."""
    sign = 1.0 if record.mode == "min" else -1.0
    raw = np.full(last, np.inf)
    for epoch in trial.epochs:
        value = epoch.metrics.get(record.metric)
        if value is not None and math.isfinite(value) and epoch.epoch <= last:
            raw[epoch.epoch - 1] = sign * value
    return np.minimum.accumulate(raw)


def at_epochs(trial: TrialRecord, name: str) -> dict[int, float]:
    """A metric by epoch, finite values alone."""
    found = {epoch.epoch: epoch.metrics.get(name, math.nan) for epoch in trial.epochs}
    return {epoch: value for epoch, value in found.items() if math.isfinite(value)}


def ranks(values: Array) -> Array:
    """From 0; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    return np.asarray(below[inverse] + (counts[inverse] - 1) / 2, np.float64)


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's; 0 where either does not vary."""
    a, b = ranks(one), ranks(other)
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm > 0 else 0.0


def correlation_bounds(rho: float, count: int, z: float = 1.645) -> tuple[float, float]:
    """A 90 % interval of a rank correlation of `count` pairs, by Fisher's transformation."""
    if count < 5:
        return -1.0, 1.0
    middle, half = math.atanh(max(-0.999, min(0.999, rho))), z * 1.03 / math.sqrt(count - 3)
    return math.tanh(middle - half), math.tanh(middle + half)


def correlation_chance(rho: float, count: int) -> float:
    """Probability of a correlation so high or higher where there is none."""
    if count < 5:
        return 1.0
    z = math.atanh(max(-0.999, min(0.999, rho))) * math.sqrt(count - 3) / 1.03
    return 0.5 * math.erfc(z / math.sqrt(2))
