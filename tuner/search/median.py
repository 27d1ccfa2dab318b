"""Median stopping: a trial is pruned when its best is worse than the median trial's average up to the same epoch.

Source    Golovin et al. (2017), Google Vizier, section 3.2.1
"""

from __future__ import annotations

import math
from bisect import insort
from collections import defaultdict

from tuner.search.interface import RungDecision


class MedianStopping:
    """Every epoch from `grace` on may prune; one that does not is silent.

    An epoch is judged against the trials that have reached it. A trial lost for good that counts as worst does so at
    every later epoch.
    """

    name = "median"

    def __init__(self, *, max_epochs: int, grace: int = 1, startup: int = 5) -> None:
        """`grace`: the first epoch that may prune; `startup`: how many other trials must have reached it."""
        if grace < 1 or startup < 1:
            raise ValueError(f"median stopping needs grace >= 1 and startup >= 1, got {grace} and {startup}")
        self._max_epochs, self._grace, self._startup = max_epochs, grace, startup
        self._means: defaultdict[int, list[float]] = defaultdict(list)
        """By epoch: the sorted running means of the trials that reached it."""
        self._trials: defaultdict[str, _Curve] = defaultdict(_Curve)
        self._decisions: dict[tuple[str, int], RungDecision | None] = {}

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:
        curve = self._trials[trial]
        if (trial, epoch) in self._decisions or epoch <= curve.last:
            return self._decisions.get((trial, epoch))
        curve.take(epoch, math.inf if math.isnan(value) else value)
        decision = self._decisions[trial, epoch] = self._decide(epoch, curve.best, self._means[epoch])
        insort(self._means[epoch], curve.mean)
        return decision

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        curve = self._trials[trial]
        if worst:
            for epoch in range(curve.last + 1, self._max_epochs):
                insort(self._means[epoch], math.inf)
            curve.last = self._max_epochs

    def _decide(self, epoch: int, best: float, others: list[float]) -> RungDecision | None:
        if epoch < self._grace or epoch >= self._max_epochs or len(others) < self._startup:
            return None
        median = _median(others)
        if best <= median and best != math.inf:
            return None
        reason = f"its best up to epoch {epoch}, {best:.4g}, is worse than the median {median:.4g} of {len(others)}"
        return RungDecision(False, epoch, reason)


class _Curve:
    """Best and running mean of one trial."""

    def __init__(self) -> None:
        self.last, self.best, self._sum, self._count = 0, math.inf, 0.0, 0

    def take(self, epoch: int, value: float) -> None:
        self.last, self.best = epoch, min(self.best, value)
        self._sum, self._count = self._sum + value, self._count + 1

    @property
    def mean(self) -> float:
        mean = self._sum / self._count
        return math.inf if math.isnan(mean) else mean


def _median(values: list[float]) -> float:
    """Of sorted values; of an even number the worse of the middle two, so that infinity needs no arithmetic."""
    return values[len(values) // 2]
