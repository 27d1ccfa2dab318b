"""The searchers and schedulers that a sweep file can name, with their options: free of Optuna, as the reader must be.

`search/` builds them; a test holds these tables against what stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """A whole number that a searcher or scheduler takes."""

    name: str
    default: int
    low: int
    says: str


@dataclass(frozen=True, slots=True)
class Method:
    """A searcher or a scheduler by name."""

    name: str
    says: str
    options: tuple[Option, ...] = ()

    def defaults(self) -> dict[str, int]:
        return {option.name: option.default for option in self.options}


def _named(*methods: Method) -> Mapping[str, Method]:
    return {method.name: method for method in methods}


ALGORITHMS = _named(
    Method(
        "tpe",
        "Optuna's TPE, multivariate and grouped by branch",
        (Option("startup", 10, 1, "Finished trials before which it draws at random."),),
    ),
    Method("random", "draws each configuration evenly over the space"),
    Method("halton", "quasi-random: covers the space evenly, without the clusters and gaps of random draws"),
    Method(
        "grid",
        "every combination once",
        (Option("points", 5, 1, "Values taken of each numeric range, evenly spaced on its scale."),),
    ),
)

SCHEDULERS = _named(
    Method(
        "asha",
        "prunes at rungs: of those that reach one, the best 1/eta go on",
        (
            Option("grace", 1, 1, "Epochs that every trial gets: the first rung."),
            Option("eta", 3, 2, "One in so many goes on, and each rung is so many times longer."),
        ),
    ),
    Method(
        "hyperband",
        "several ladders of rungs side by side, some of which spare a trial for longer",
        (
            Option("grace", 1, 1, "Epochs of the first rung of the lowest ladder."),
            Option("eta", 3, 2, "One in so many goes on, and each rung is so many times longer."),
        ),
    ),
    Method(
        "median",
        "prunes a trial whose best is worse than the median trial's average up to the same epoch",
        (
            Option("grace", 1, 1, "The first epoch that may prune."),
            Option("startup", 5, 1, "How many other trials must have reached that epoch."),
        ),
    ),
    Method("none", "trains every trial to its end"),
)
