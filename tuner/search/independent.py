"""Searchers that learn nothing from results: random, and the grid."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.records.values import Config, Scalar
from tuner.search.seeds import generator
from tuner.space import Choice, Constant, Space


class RandomSearcher:
    """Draws each configuration from the space; the seed and the trial's number alone decide."""

    name = "random"

    def __init__(self, space: Space, *, seed: int) -> None:
        self._space, self._seed = space, seed

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        return self._space.sample(generator(self._seed, number, again))

    def begin(self, number: int, config: Config) -> None:
        """Trials do not know each other here."""

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """Nothing is learnt."""

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        """Nothing is learnt."""


class GridSearcher:
    """Every combination of the grid once, in its order; a configuration that a trial had from elsewhere is left out."""

    name = "grid"

    def __init__(self, space: Space, *, points: int = 5) -> None:
        """`points`: values taken of each numeric range."""
        self._space = space
        self._rest: Iterator[dict[str, Scalar]] = iter(space.grid(points))
        self._tried: set[tuple[tuple[str, object], ...]] = set()

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:  # noqa: ARG002
        for config in self._rest:
            if self._identity(config) not in self._tried:
                return config
        return None

    def begin(self, number: int, config: Config) -> None:  # noqa: ARG002
        self._tried.add(self._identity(config))

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """Nothing is learnt."""

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        """Nothing is learnt."""

    def _identity(self, config: Config) -> tuple[tuple[str, object], ...]:
        """1, 1.0 and True are one key to Python, and three options of a choice to us."""
        active = self._space.active(config)
        exact = {item.name for item in active if isinstance(item.domain, Choice | Constant)}
        return tuple(
            (name, (type(value).__name__, value) if name in exact else value) for name, value in sorted(config.items())
        )
