"""ASHA as published: every trial pauses at its rung, and a free worker first takes up one that has earned the next.

Beside the stopping kind nobody is pruned for having come early, and nobody goes on for it; the price is a checkpoint
kept of every paused trial.

Source    Li et al. (2020), A System for Massively Parallel Hyperparameter Tuning, algorithm 2
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort

from tuner.search.asha import ordinal, rung_epochs
from tuner.search.interface import RungDecision

Entry = tuple[float, int, str]
"""(value, how many came before, trial)."""


class PromotionAsha:
    """A rung holds all that came; its best 1/eta may go on. Of equals, the one that came first."""

    name = "asha_promotion"

    def __init__(self, *, max_epochs: int, grace: int = 1, eta: int = 3) -> None:
        """`grace`: epochs of the first rung; `eta`: one in so many goes on, and each rung is so many times longer."""
        self.eta = eta
        self.rungs = rung_epochs(max_epochs, grace, eta)
        self._max_epochs = max_epochs
        self._ranks: list[list[Entry]] = [[] for _ in self.rungs]
        """By rung: all that came, sorted."""
        self._paused: list[list[Entry]] = [[] for _ in self.rungs]
        """Of these, the ones that wait, sorted: only the first of them can be the next to go on."""
        self._paused_at: dict[str, tuple[int, Entry]] = {}
        """The rung at which a trial waits, and its entry there."""
        self._next_rung: dict[str, int] = {}
        self._decisions: dict[tuple[str, int], RungDecision] = {}

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:
        known = self._decisions.get((trial, epoch))
        if known is not None:
            return known
        rung = bisect_right(self.rungs, epoch) - 1
        if epoch >= self._max_epochs or rung < self._next_rung.get(trial, 0):
            return None
        entry = self._enter(rung, trial, value)
        place, count = bisect_left(self._ranks[rung], entry) + 1, len(self._ranks[rung])
        insort(self._paused[rung], entry)
        self._paused_at[trial] = rung, entry
        self._next_rung[trial] = rung + 1
        reason = (
            f"{ordinal(place)} of {count} at epoch {self.rungs[rung]}; waits until it is among the best 1/{self.eta}"
        )
        decision = RungDecision(False, self.rungs[rung], reason, paused=True)
        self._decisions[trial, epoch] = decision
        return decision

    def next_promoted(self, *, last: bool = False) -> str | None:
        """From the highest rung down: the longer a trial has trained, the more is known of it.

        `last`: of a rung too short for one in eta its best goes on, as in successive halving; otherwise a small sweep
        would end with no trial trained to its end.
        """
        for rung in reversed(range(len(self.rungs))):
            if not self._paused[rung]:
                continue
            ranks, first = self._ranks[rung], self._paused[rung][0]
            value, _, trial = first
            earned = max(len(ranks) // self.eta, 1 if last else 0)
            if value != math.inf and bisect_left(ranks, first) < earned:
                return trial
        return None

    def on_trial_promoted(self, trial: str) -> None:
        self._wait_no_more(trial)

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        self._wait_no_more(trial)
        rung = self._next_rung.get(trial, 0)
        if worst and rung < len(self.rungs):
            self._enter(rung, trial, math.inf)
            self._next_rung[trial] = len(self.rungs)

    def _wait_no_more(self, trial: str) -> None:
        if trial in self._paused_at:
            rung, entry = self._paused_at.pop(trial)
            del self._paused[rung][bisect_left(self._paused[rung], entry)]

    def _enter(self, rung: int, trial: str, value: float) -> Entry:
        ranks = self._ranks[rung]
        entry = (math.inf if math.isnan(value) else value, len(ranks), trial)
        insort(ranks, entry)
        return entry
