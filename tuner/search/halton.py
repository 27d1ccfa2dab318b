"""Quasi-random search: points that leave no gaps, where random ones cluster.

Question  Which point of the unit cube does trial n get?
Formula   the digits of n in the d-th prime's base, each put through a permutation of its own, behind the point
Source    Halton (1960); digits scrambled at random as in Owen (2017), A randomized Halton algorithm in R
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tuner.records.values import Config, Scalar
from tuner.search.cube import decode
from tuner.search.seeds import generator
from tuner.space import Space

AGAIN = 1_000_003
"""Points that lie between the one of a trial and the next that is asked for it: more than a sweep has trials, and a
prime, so that no coordinate's first digits stay as they are."""


class HaltonSearcher:
    """One dimension for each parameter, active or not, so a branch is filled as evenly as the whole.

    The seed draws the permutations; the trial's number alone says which point.
    """

    name = "halton"

    def __init__(self, space: Space, *, seed: int) -> None:
        self._space = space
        self._permutations = [
            _permutations(prime, generator(seed, dimension)) for dimension, prime in enumerate(_primes(len(space)))
        ]

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        point = number + again * AGAIN
        return decode(self._space, [_coordinate(point, permutations) for permutations in self._permutations])

    def begin(self, number: int, config: Config) -> None:
        """Trials do not know each other here."""

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """Nothing is learnt."""

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        """Nothing is learnt."""


def _coordinate(number: int, permutations: npt.NDArray[np.int64]) -> float:
    """Zeros beyond the first digit are permuted too, or all points would begin at a corner."""
    base = permutations.shape[1]
    point, weight = 0.0, 1.0
    for permutation in permutations:
        number, digit = divmod(number, base)
        weight /= base
        point += weight * int(permutation[digit])
    return min(point, math.nextafter(1.0, 0.0))


def _permutations(base: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """One for each digit that a float can hold."""
    digits = math.ceil(53 / math.log2(base))
    return np.stack([rng.permutation(base) for _ in range(digits)])


def _primes(count: int) -> list[int]:
    primes: list[int] = []
    number = 2
    while len(primes) < count:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return primes
