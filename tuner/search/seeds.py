"""Seeds by trial number: what a rebuilt searcher draws for a trial is what the lost one would have drawn."""

from __future__ import annotations

import numpy as np


def generator(seed: int, number: int, again: int = 0) -> np.random.Generator:
    """The generator of trial `number` in a sweep with this seed, when it is asked for the first time or `again`."""
    return np.random.default_rng(_sequence(seed, number, again))


def seed_32(seed: int, number: int, again: int = 0) -> int:
    """The same for libraries that take a seed of 32 bits."""
    return int(_sequence(seed, number, again).generate_state(1)[0])


def _sequence(seed: int, number: int, again: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(number, again) if again else (number,))
