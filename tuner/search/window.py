"""Which trials of a long history a searcher conditions on: the best, the latest, and a thinned row of all the others.

A model of ten thousand trials costs ten times what one of a thousand costs, and says hardly more. What is kept is
decided by the trials' endings in their order alone, so a searcher that is told a journal again keeps the same; and a
trial that was let go never comes back, so its record can be dropped.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

Rank = tuple[float, ...]
"""What a trial is sorted by: lower is better."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many ended trials a searcher sees at most: their sum, less what is in two of the parts."""

    best: int
    recent: int
    """Those that ended last."""
    spread: int
    """One in so many of all that ended, from the first on; in so many doubles when there would be more."""


class Window:
    """The trials within the limits, by the number that the searcher knows them by."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._best: list[tuple[Rank, int, int]] = []
        """(rank, how many ended before, trial), sorted: of equals the one that ended first."""
        self._recent: deque[int] = deque()
        self._spread: list[tuple[int, int]] = []
        """(how many ended before, trial)."""
        self._stride = 1
        self._ended = 0
        self._held: dict[int, int] = {}
        """Trial -> in how many of the three it is."""

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, trial: int) -> bool:
        return trial in self._held

    def end(self, trial: int, rank: Rank) -> tuple[int, ...]:
        """A trial ended; returns those that are let go for it, perhaps itself."""
        self._held[trial] = 3
        gone = [*self._into_best(trial, rank), *self._into_recent(trial), *self._into_spread(trial)]
        self._ended += 1
        return tuple(self._let_go(gone))

    def _into_best(self, trial: int, rank: Rank) -> Iterable[int]:
        insort(self._best, (rank, self._ended, trial))
        return [self._best.pop()[-1]] if len(self._best) > self._limits.best else []

    def _into_recent(self, trial: int) -> Iterable[int]:
        self._recent.append(trial)
        return [self._recent.popleft()] if len(self._recent) > self._limits.recent else []

    def _into_spread(self, trial: int) -> Iterable[int]:
        if self._ended % self._stride:
            return [trial]
        self._spread.append((self._ended, trial))
        if len(self._spread) <= self._limits.spread:
            return []
        self._stride *= 2
        gone = [one for place, one in self._spread if place % self._stride]
        self._spread = [(place, one) for place, one in self._spread if place % self._stride == 0]
        return gone

    def _let_go(self, gone: Iterable[int]) -> Iterable[int]:
        for trial in gone:
            self._held[trial] -= 1
            if self._held[trial] == 0:
                del self._held[trial]
                yield trial
