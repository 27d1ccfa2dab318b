"""How many configurations a space has, and one of it that was not tried yet."""

from __future__ import annotations

import math
from collections.abc import Container, Hashable

import numpy as np

from tuner.records.values import Config, Scalar
from tuner.space.domains import Choice, Constant, Int
from tuner.space.parameter import Parameter
from tuner.space.space import Space

DRAWS = 64
"""Random draws before the space is walked through in order."""


def size(space: Space) -> int | None:
    """The number of different configurations; None where a range of numbers makes them endless."""
    return _product(space, space.children(None))


def identity(config: Config) -> Hashable:
    """Equal for equal configurations alone: to Python, True, 1 and 1.0 are one."""
    return frozenset((name, type(value).__name__, value) for name, value in config.items())


def untried(space: Space, tried: Container[Hashable], count: int, rng: np.random.Generator) -> dict[str, Scalar] | None:
    """A configuration whose identity is not among the `count` in `tried`: drawn evenly while chance finds one, else
    the first in the grid's order. None when there is none left."""
    all_of_it = size(space)
    if all_of_it is not None and count >= all_of_it:
        return None
    for _ in range(DRAWS):
        config = space.sample(rng)
        if identity(config) not in tried:
            return config
    points = count + 2
    while True:
        for config in space.grid(points):
            if identity(config) not in tried:
                return config
        if all_of_it is not None and space.grid_size(points) >= all_of_it:
            return None
        points *= 2  # rounding makes some of a range's points one


def _product(space: Space, parameters: tuple[Parameter, ...]) -> int | None:
    sizes = [_of(space, item) for item in parameters]
    known = [each for each in sizes if each is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def _of(space: Space, item: Parameter) -> int | None:
    if not item.is_searched and not isinstance(item.domain, Choice | Constant):
        return 1
    match item.domain:
        case Int(low, high):
            return high - low + 1
        case Choice(options):
            return _sum(space, item, options)
        case Constant(value):
            return _sum(space, item, (value,))
        case _:
            return None


def _sum(space: Space, item: Parameter, options: tuple[Scalar, ...]) -> int | None:
    inside = [_product(space, space.children(item.name, option)) for option in options]
    known = [each for each in inside if each is not None]
    return sum(known) if len(known) == len(inside) else None
