"""An old trial's settings as a configuration of another space: what fits, what had to be filled in, what does not fit.

Parameters that the space lacks are passed over. One that the settings lack is given its old value where that is known,
the nearest bound where that value lies outside; else its own default; else it is spread evenly over its range, trial
by trial, so that nothing is said about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.records.values import Scalar
from tuner.space.domains import Choice, Constant, Domain, Float, Int, canonical, same
from tuner.space.naming import branch_name
from tuner.space.parameter import Parameter
from tuner.space.space import Space

Known = Callable[[str], tuple[Scalar] | None]
"""The value that a parameter had there although nobody wrote it down, if that is known."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A configuration of the space."""

    config: Mapping[str, Scalar]
    added: Mapping[str, str]
    """Parameters that the old trial did not have -> how they were filled in."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why there is none."""

    why: str
    """`lr above 0.1`."""


def translate(space: Space, settings: Mapping[str, Any], known: Known, place: int) -> Translated | Misfit:
    """`place`: which of the old trials it is, from 0. The configuration always lies in the space."""
    config: dict[str, Scalar] = {}
    added: dict[str, str] = {}
    for dimension, item in enumerate(space.parameters):
        if item.parent is not None and not (item.parent in config and same(config[item.parent], item.parent_value)):
            continue
        if isinstance(item.domain, Constant):
            config[item.name] = item.domain.value
            continue
        given = _given(item, space, settings)
        if given is None:
            config[item.name], added[item.name] = _added(item, known(item.name), _share(place, dimension))
            continue
        value, why = fitted(item.domain, given[0])
        if why:
            return Misfit(f"{item.name} {why}")
        config[item.name] = value
    return Translated(config, added)


def fitted(domain: Domain, value: Any) -> tuple[Scalar, str]:
    """The value as the domain writes it, or why it lies outside. Text is read as what it says."""
    if isinstance(domain, Choice | Constant):
        options = domain.options if isinstance(domain, Choice) else (domain.value,)
        exact = canonical(domain, value)
        if domain.contains(exact):
            return exact, ""
        alike = [option for option in options if str(value) in (str(option), branch_name(option))]
        return (alike[0], "") if len(alike) == 1 else (None, f"{value}, which is no option")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, f"{value}, which is no number"
    if isinstance(domain, Int):
        if value != int(value) if abs(value) < 2**62 else True:
            return None, "not a whole number"
        value = int(value)
    if value < domain.low:
        return None, f"below {domain.low:g}"
    if value > domain.high:
        return None, f"above {domain.high:g}"
    if not domain.contains(canonical(domain, value)):  # not a number
        return None, f"{value}"
    return canonical(domain, value), ""


def rename(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Old names replaced: `lr: learning_rate`, or a branch, `optimizer.adam: optimizer.adamw`, with all inside it."""
    found = dict(settings)
    for old, new in names.items():
        moved: dict[str, Any] = {}
        choice, _, branch = old.rpartition(".")
        for name, value in found.items():
            if name == old or name.startswith(f"{old}."):
                moved[new + name[len(old) :]] = value
            elif name == choice and branch_name(value) == branch and new.startswith(f"{choice}."):
                moved[name] = new[len(choice) + 1 :]
            else:
                moved[name] = value
        found = moved
    return found


def _given(item: Parameter, space: Space, settings: Mapping[str, Any]) -> tuple[Any] | None:
    if item.name in settings and not isinstance(settings[item.name], list | tuple | dict):
        return (settings[item.name],)
    for child in space.parameters:  # a record that names only what is inside a branch
        if child.parent == item.name and child.name in settings:
            return (child.parent_value,)
    return None


def _added(item: Parameter, known: tuple[Scalar] | None, share: float) -> tuple[Scalar, str]:
    domain = item.domain
    if known is not None:
        value, why = fitted(domain, known[0])
        if not why:
            return value, f"{_shown(value)}, as it was there"
        number = known[0]
        if isinstance(domain, Float | Int) and isinstance(number, int | float) and not isinstance(number, bool):
            bound = canonical(domain, domain.low if number < domain.low else domain.high)
            return bound, f"{_shown(bound)}, the nearest to {_shown(number)} there"
    if item.has_default:
        return canonical(domain, item.default), f"its default, {_shown(item.default)}"
    return domain.from_unit(share), "spread over its range, since nothing says what it was"


def _share(place: int, dimension: int) -> float:
    """Evenly spread for each dimension, and not in step with any other: a Kronecker sequence."""
    return (0.5 + (place + 1) * (0.6180339887498949 + 0.1386750490563073 * dimension)) % 1.0


def _shown(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else branch_name(value)
