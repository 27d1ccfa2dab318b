"""What `rung_tpe` keeps of the trials, in two orders at once: as they began, and from the best to the worst.

Both orders are kept up report by report, so that the best and the latest are at hand however many trials there were: a
report costs a search by halves and a shift in one list, a suggestion no look at the others.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Container
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEVEL = 3.0
"""Trials are compared with those that came as far as they did within this factor: the default distance of rungs."""


@dataclass(slots=True)
class Standing:
    """How one trial stands."""

    begun: int
    """Grows from trial to trial; of two that are equally good the earlier comes first."""
    point: Array
    """[parameter] in the unit cube; NaN where not active."""
    epoch: int = 0
    best: float = math.inf
    """Oriented: lower is better; never NaN."""
    diverged: bool = False
    ended: bool = False

    @property
    def told(self) -> bool:
        return self.epoch > 0 or self.diverged

    def rank(self) -> tuple[bool, int, float, int]:
        """By how far it came, on the scale on which rungs stand, then by its best; diverged ones last."""
        return self.diverged, -_level(self.epoch), self.best, self.begun


class Ranking:
    """Trials by number. A trial that is to change is withdrawn first, and placed again when it has changed."""

    def __init__(self) -> None:
        self._begun: dict[int, Standing] = {}
        """By `Standing.begun`, in that order."""
        self._ranks: list[tuple[bool, int, float, int]] = []
        """Of those that were told of, sorted."""

    @property
    def told(self) -> int:
        return len(self._ranks)

    def add(self, trial: Standing) -> None:
        """One that began after all the others, and was not told of."""
        self._begun[trial.begun] = trial

    def drop(self, trial: Standing) -> None:
        self.withdraw(trial)
        del self._begun[trial.begun]

    def withdraw(self, trial: Standing) -> None:
        """From its place among those that were told of, if it has one."""
        if trial.told:
            del self._ranks[bisect_left(self._ranks, trial.rank())]

    def place(self, trial: Standing) -> None:
        if trial.told:
            insort(self._ranks, trial.rank())

    def best(self, count: int) -> dict[int, Standing]:
        """In the order in which they began."""
        return {begun: self._begun[begun] for begun in sorted(rank[-1] for rank in self._ranks[:count])}

    def latest(self, count: int, without: Container[int]) -> list[Standing]:
        """Told of or not, in the order in which they began; `without`: some by `Standing.begun`."""
        others = (trial for begun, trial in reversed(self._begun.items()) if begun not in without)
        return list(islice(others, count))[::-1]


@cache
def _level(epoch: int) -> int:
    """How many times LEVEL an epoch is."""
    return int(math.log(epoch) / math.log(LEVEL) + 1e-9) if epoch else 0
