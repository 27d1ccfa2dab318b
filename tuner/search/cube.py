"""From a point of the unit cube to a configuration: one coordinate for each parameter, in the space's order."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.records.values import Config, Scalar
from tuner.space import Parameter, Space, same


def decode(space: Space, point: Sequence[float]) -> dict[str, Scalar]:
    """The inverse of `space.encode`; coordinates of parameters that are not active are passed over."""
    config: dict[str, Scalar] = {}
    for item, coordinate in zip(space.parameters, point, strict=True):
        if is_active(item, config):
            config[item.name] = item.domain.from_unit(coordinate)
    return config


def is_active(item: Parameter, chosen: Config) -> bool:
    """Whether it counts, given what was chosen so far, its parent included."""
    return item.parent is None or (item.parent in chosen and same(chosen[item.parent], item.parent_value))
