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


_GRACE = Option("grace", 1, 1, "Epochs that every trial gets: the first rung.")
_ETA = Option("eta", 3, 2, "One in so many goes on, and each rung is so many times longer.")
_STARTUP = Option("startup", 10, 1, "Finished trials before which it draws at random.")
_REPORTED = Option("startup", 10, 1, "Trials with a report before which it draws at random.")

ALGORITHMS = _named(
    Method("rung_tpe", "TPE that learns from running and paused trials too, rung by rung", (_REPORTED,)),
    Method("tpe", "Optuna's TPE, multivariate and grouped by branch", (_STARTUP,)),
    Method("random", "draws each configuration evenly over the space"),
    Method("halton", "quasi-random points, which leave no gaps"),
    Method(
        "grid",
        "every combination once",
        (Option("points", 5, 1, "Values taken of each numeric range, evenly spaced on its scale."),),
    ),
    Method("gp", "Optuna's Gaussian process, for few trials that cost much", (_STARTUP,)),
    Method("cmaes", "Optuna's CMA-ES, for spaces of numbers and hundreds of trials"),
)

SCHEDULERS = _named(
    Method("asha", "prunes at rungs: of those that reach one, the best 1/eta go on", (_GRACE, _ETA)),
    Method(
        "asha_promotion",
        "ASHA as published: trials pause at their rungs and go on when they are among the best",
        (_GRACE, _ETA),
    ),
    Method("hyperband", "ASHA in several brackets, some of which spare a trial for longer", (_GRACE, _ETA)),
    Method(
        "median",
        "prunes what is worse than the median trial at the same epoch",
        (
            Option("grace", 1, 1, "The first epoch at which it prunes."),
            Option("startup", 5, 1, "Other trials that must have reached an epoch before it prunes there."),
        ),
    ),
    Method("none", "trains every trial to its end"),
)
