"""HyperBand's brackets, asynchronous: several ladders of rungs side by side, some of which spare a trial for longer.

ASHA's first rung may come too early to tell good from bad. Here one trial in so many begins on a ladder whose first
rung is eta, eta², ... times higher, and is compared only with its own kind.

Source    Li et al. (2018), Hyperband; (2020) for ASHA inside each bracket
"""

from __future__ import annotations

import math
from dataclasses import replace

from tuner.search.asha import Asha, rung_epochs
from tuner.search.interface import RungDecision


class Hyperband:
    """A trial's bracket is decided when it is first heard of: the one that is furthest behind its share."""

    name = "hyperband"

    def __init__(self, *, max_epochs: int, grace: int = 1, eta: int = 3) -> None:
        """`grace`: first rung of the lowest ladder; `eta` as in ASHA."""
        rungs = rung_epochs(max_epochs, grace, eta)
        graces = [*rungs, max_epochs]  # the last ladder has no rung: its trials train to the end
        self._brackets = [Asha(max_epochs=max_epochs, grace=grace, eta=eta) for grace in graces]
        self._shares = _shares(len(graces), eta)
        self._counts = [0] * len(graces)
        self._bracket: dict[str, int] = {}

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:
        bracket = self._bracket_of(trial)
        decision = self._brackets[bracket].on_trial_result(trial, epoch, value)
        return decision and replace(decision, reason=f"bracket {bracket}: {decision.reason}")

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        self._brackets[self._bracket_of(trial)].on_trial_lost_for_good(trial, worst=worst)

    def _bracket_of(self, trial: str) -> int:
        if trial not in self._bracket:
            total = sum(self._counts) + 1
            behind = [share * total - count for share, count in zip(self._shares, self._counts, strict=True)]
            bracket = behind.index(max(behind))
            self._counts[bracket] += 1
            self._bracket[trial] = bracket
        return self._bracket[trial]


def _shares(brackets: int, eta: int) -> list[float]:
    """About the same budget for each bracket: of K ladders, the one with r rungs gets K / (r + 1) * eta^r trials."""
    sizes = [math.ceil(brackets / (rungs + 1) * eta**rungs) for rungs in reversed(range(brackets))]
    return [size / sum(sizes) for size in sizes]
