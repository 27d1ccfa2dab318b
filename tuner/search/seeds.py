"""Seeds by trial number: what a rebuilt searcher draws for a trial is what the lost one would have drawn."""

from __future__ import annotations

import numpy as np


def generator(seed: int, number: int) -> np.random.Generator:
    """The generator of trial `number` in a sweep with this seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def seed_32(seed: int, number: int) -> int:
    """The same for libraries that take a seed of 32 bits."""
    return int(np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1)[0])
