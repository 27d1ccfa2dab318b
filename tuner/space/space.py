"""A space: its parameters, parents before children, and all that is asked of it.

A configuration holds one value for each *active* parameter and no other. What equal means is `same`'s to say: 1 is not
True.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.errors import Fault
from tuner.records.trial import ParameterRecord
from tuner.records.values import Config, Scalar
from tuner.space.domains import Choice, Constant, canonical, same
from tuner.space.naming import branch_name, nest
from tuner.space.parameter import Parameter
from tuner.space.spelling import did_you_mean

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Space:
    """What may be tried."""

    parameters: tuple[Parameter, ...]
    """Parents before children."""

    def __post_init__(self) -> None:
        seen: dict[str, Parameter] = {}
        for item in self.parameters:
            if item.name in seen:
                raise ValueError(f"two parameters are named {item.name}")
            if item.parent is not None and item.parent not in seen:
                raise ValueError(f"{item.name} comes before its parent {item.parent}")
            seen[item.name] = item

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter of that recorded name; KeyError when there is none."""
        for item in self.parameters:
            if item.name == name:
                return item
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.parameters)

    def children(self, parent: str | None, value: Scalar = None) -> tuple[Parameter, ...]:
        """The parameters that hang directly on this option; without a parent those at the top."""
        return tuple(
            p for p in self.parameters if p.parent == parent and (parent is None or same(p.parent_value, value))
        )

    def active(self, config: Config) -> tuple[Parameter, ...]:
        """Those whose parents are set so that they count."""
        names: set[str] = set()
        found = []
        for item in self.parameters:
            if self._hangs_on(item, config, names):
                names.add(item.name)
                found.append(item)
        return tuple(found)

    def sample(self, rng: np.random.Generator) -> dict[str, Scalar]:
        """One configuration, each active parameter drawn evenly over its range (evenly in the logarithm with `log`)."""
        config: dict[str, Scalar] = {}
        for item in self.parameters:
            if _is_active(item, config):
                config[item.name] = item.domain.sample(rng)
        return config

    def contains(self, config: Config) -> bool:
        active = self.active(config)
        if len(active) != len(config):
            return False
        return all(item.name in config and item.domain.contains(config[item.name]) for item in active)

    def faults(self, config: Config, *, partial: bool = False, where: str = "") -> tuple[Fault, ...]:
        """Every reason why the configuration does not lie in the space. `partial`: parameters may be missing.

        `where` stands before each name: `--config `, `search.enqueue[0].`.
        """
        known = {item.name: item for item in self.parameters}
        active = {item.name for item in self.active(self._with_parents(config) if partial else config)}
        found: list[Fault] = []
        for name, value in config.items():
            item = known.get(name)
            if item is None:
                nested = [other.name for other in self.parameters if other.short == name]
                cure = f"write `{nested[0]}`" if nested else did_you_mean(name, known)
                found.append(Fault(where + name, value, f"no such parameter: {cure}"))
            elif not item.domain.contains(value):
                found.append(Fault(where + name, value, f"write {item.domain}"))
            elif name not in active:
                cure = f"is not active: it needs {item.parent} = {branch_name(item.parent_value)}"
                found.append(Fault(where + name, value, cure))
        if not partial:
            missing = [known[name] for name in known if name in active and name not in config]
            found += [Fault(where + item.name, None, f"is missing: write {item.domain}") for item in missing]
        return tuple(found)

    def defaults(self) -> dict[str, Scalar] | None:
        """The configuration of all defaults; None unless each active parameter has one. A constant is its own."""
        config: dict[str, Scalar] = {}
        for item in self.parameters:
            if not _is_active(item, config):
                continue
            if isinstance(item.domain, Constant):
                config[item.name] = item.domain.value
            elif item.has_default:
                config[item.name] = item.default
            else:
                return None
        return config

    def complete(self, partial: Config, fallback: Config = {}) -> dict[str, Scalar]:  # noqa: B006
        """What `partial` gives, else the defaults, else `fallback`, else the middle of the range.

        A parameter given inside a branch chooses the branch. `partial` is expected to be free of faults.
        """
        given = self._with_parents(partial)
        config: dict[str, Scalar] = {}
        for item in self.parameters:
            if not _is_active(item, config):
                continue
            if item.name in given:
                value = given[item.name]
            elif isinstance(item.domain, Constant):
                value = item.domain.value
            elif item.has_default:
                value = item.default
            else:
                value = fallback[item.name] if item.name in fallback else item.domain.middle()
            config[item.name] = canonical(item.domain, value)
        return config

    def complete_names(self, partial: Config) -> frozenset[str]:
        """The parameters that `partial` decides: those it names, and the choices whose branches it goes into."""
        return frozenset(self._with_parents(partial))

    def grid(self, points: int = 5) -> Iterator[dict[str, Scalar]]:
        """Every combination that the conditions allow; a range at `points` values, evenly spaced on its scale."""
        yield from self._grid(0, {}, points)

    def grid_size(self, points: int = 5) -> int:
        """How many configurations `grid` yields, without walking through them."""
        return math.prod(self._grid_size(item, points) for item in self.children(None))

    def encode(self, config: Config) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One number from 0 to 1 for each parameter, in the space's order; NaN for those that are not active."""
        import numpy as np  # a tenth of a second, which those who only read a sweep file need not wait

        active = {item.name for item in self.active(config)}
        return np.array([p.domain.to_unit(config[p.name]) if p.name in active else np.nan for p in self.parameters])

    def neighbours(self, config: Config, rng: np.random.Generator) -> tuple[dict[str, Scalar], ...]:
        """One step away: each other option of each choice, each number a little down and up.

        Where a choice changes, the parameters of the new branch are drawn; the rest stays as it is.
        """
        found = []
        for item in self.active(config):
            for value in item.domain.neighbours(config[item.name], rng):
                changed: dict[str, Scalar] = {}
                for other in self.parameters:
                    if _is_active(other, changed):
                        kept = other.name in config and other.name != item.name
                        step = value if other is item else other.domain.sample(rng)
                        changed[other.name] = config[other.name] if kept else step
                found.append(changed)
        return tuple(found)

    def records(self) -> tuple[ParameterRecord, ...]:
        return tuple(item.record() for item in self.parameters)

    def nest(self, config: Config) -> dict[str, Any]:
        """A configuration as a person writes it: see `naming.nest`."""
        return nest(config)

    def _with_parents(self, partial: Config) -> dict[str, Scalar]:
        """`partial` and the options that its nested parameters hang on, where it does not say otherwise."""
        known = {item.name: item for item in self.parameters}
        given = dict(partial)
        for name in partial:
            item = known.get(name)
            while item is not None and item.parent is not None:
                given.setdefault(item.parent, item.parent_value)
                item = known[item.parent]
        return given

    def _hangs_on(self, item: Parameter, config: Config, active: set[str]) -> bool:
        if item.parent is None:
            return True
        return item.parent in active and item.parent in config and same(config[item.parent], item.parent_value)

    def _grid(self, index: int, config: dict[str, Scalar], points: int) -> Iterator[dict[str, Scalar]]:
        while index < len(self.parameters) and not _is_active(self.parameters[index], config):
            index += 1
        if index == len(self.parameters):
            yield config
            return
        item = self.parameters[index]
        for value in item.domain.grid(points):
            yield from self._grid(index + 1, {**config, item.name: value}, points)

    def _grid_size(self, item: Parameter, points: int) -> int:
        values = item.domain.grid(points)
        if not isinstance(item.domain, Choice | Constant):
            return len(values)
        inside = [self.children(item.name, value) for value in values]
        return sum(math.prod(self._grid_size(child, points) for child in children) for children in inside)


def _is_active(item: Parameter, config: Mapping[str, Scalar]) -> bool:
    """For a configuration that is made in order, so that it holds active parameters only."""
    return item.parent is None or (item.parent in config and same(config[item.parent], item.parent_value))
