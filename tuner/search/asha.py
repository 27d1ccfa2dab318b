"""ASHA, the stopping kind: at each rung a trial goes on when it is among the best 1/eta of those that came so far.

Source    Li et al. (2020), A System for Massively Parallel Hyperparameter Tuning; the variant that stops at once
          instead of pausing, as Ray Tune and Syne Tune have it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort

from tuner.search.interface import RungDecision


class Asha:
    """A rung table: the values that reached each rung, in order of size. Nothing is random.

    A trial that is lost for good and counts as worst is treated as if it had gone on and reported infinity at each
    rung until it was pruned there. So the others are judged as they would have been without the early end: a doomed
    trial does not fill rungs that it would never have reached.
    """

    name = "asha"

    def __init__(self, *, max_epochs: int, grace: int = 1, eta: int = 3) -> None:
        """`grace`: epochs of the first rung; `eta`: one in so many goes on, and each rung is so many times longer."""
        self.eta = eta
        self.rungs = rung_epochs(max_epochs, grace, eta)
        self._max_epochs = max_epochs
        self._values: list[list[float]] = [[] for _ in self.rungs]
        self._next_rung: dict[str, int] = {}
        self._decisions: dict[tuple[str, int], RungDecision] = {}

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:
        """A trial that does not report every epoch is judged at the first report past a rung."""
        known = self._decisions.get((trial, epoch))
        if known is not None:
            return known
        rung = bisect_right(self.rungs, epoch) - 1
        if epoch >= self._max_epochs or rung < self._next_rung.get(trial, 0):
            return None
        decision = self._decide(rung, value)
        self._next_rung[trial] = rung + 1
        self._decisions[trial, epoch] = decision
        return decision

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        if not worst:
            return
        for rung in range(self._next_rung.get(trial, 0), len(self.rungs)):
            if not self._decide(rung, math.inf).promoted:
                break
        self._next_rung[trial] = len(self.rungs)

    def _decide(self, rung: int, value: float) -> RungDecision:
        """Puts the value into the rung. Ties favour it; one that is not a number or infinite never beats another."""
        values, epoch = self._values[rung], self.rungs[rung]
        value = math.inf if math.isnan(value) else value
        place = bisect_left(values, value) + 1
        insort(values, value)
        count = len(values)
        where = f"{ordinal(place)} of {count} at epoch {epoch}"
        if count < self.eta:
            return RungDecision(True, epoch, f"{where}; all go on until there are {self.eta}")
        best = count // self.eta
        if value == math.inf:
            return RungDecision(False, epoch, f"worst of {count} at epoch {epoch}: its value is not finite")
        return RungDecision(place <= best, epoch, f"{where}; the best {f'{best} go' if best > 1 else 'goes'} on")


class NoScheduler:
    """`none`: every trial trains to its end."""

    name = "none"

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:  # noqa: ARG002
        return None

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        """There are no rungs to be worst at."""


def rung_epochs(max_epochs: int, grace: int, eta: int) -> tuple[int, ...]:
    """`grace`, `grace * eta`, ... below `max_epochs`. Raises ValueError for rungs that would not rise."""
    if grace < 1 or eta < 2:
        raise ValueError(f"rungs need grace >= 1 and eta >= 2, got {grace} and {eta}")
    epochs, epoch = [], grace
    while epoch < max_epochs:
        epochs.append(epoch)
        epoch *= eta
    return tuple(epochs)


def ordinal(place: int) -> str:
    """`1st`, `2nd`, `11th`."""
    suffix = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{suffix}"
