"""What was tried already, so that no configuration is trained twice because a searcher names it again.

A searcher that does so is asked again, a few times, and each time draws anew; after that one of what is left is drawn
evenly. A small space is so exhausted after all of it was tried once. All of it is a function of the configurations
that were begun, in whatever order, so a resumed sweep goes on as if it had not been interrupted.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from tuner.records.values import Config
from tuner.search.interface import ASKS, Searcher
from tuner.space import Space, identity, size, untried

LEFT = "untried"
"""The origin of a configuration that is one of what was left."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration that was not tried yet."""

    config: Config
    origin: str
    repeats: tuple[str, ...] = ()
    """The trials whose configurations the searcher named before."""


class Tried:
    """The configurations that the sweep's trials have, and those of earlier runs that need no second training."""

    def __init__(self, space: Space | None, seed: int) -> None:
        """`space`: None for a searcher that is taken at its word, as it is where there is nothing to search: then all
        trials are to be one configuration."""
        searched = space is not None and any(item.is_searched for item in space.parameters)
        self._space, self._seed = space if searched else None, seed
        self._by: dict[Hashable, str] = {}
        self.exhausted: str = ""
        """Why there is nothing left to try, in words; empty while there is."""

    def add(self, trial: str, config: Config) -> None:
        """`trial`: `0007`, or `RUN/0007` of an earlier run."""
        if self._space is not None:
            self._by.setdefault(identity(config), trial)

    def ask(self, searcher: Searcher, number: int) -> Suggestion | None:
        """What trial `number` is to run; None when there is nothing left."""
        repeats: list[str] = []
        for again in range(ASKS):
            config = searcher.suggest(number, again)
            if config is None:
                self.exhausted = f"{searcher.name} has no configuration left to try"
                return None
            known = self._by.get(identity(config))
            if known is None:
                return Suggestion(config, searcher.name, tuple(repeats))
            repeats.append(known)
            if self._is_exhausted():
                return None
        assert self._space is not None
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(number, ASKS)))
        left = untried(self._space, self._by, len(self._by), rng)
        assert left is not None
        searcher.begin(number, left)
        return Suggestion(left, LEFT, tuple(repeats))

    def _is_exhausted(self) -> bool:
        whole = None if self._space is None else size(self._space)
        if whole is None or len(self._by) < whole:
            return False
        earlier = sum("/" in trial for trial in self._by.values())
        told = f", {earlier} of them in earlier runs" if earlier else ""
        self.exhausted = f"all {whole} configurations of the space were tried{told}"
        return True
