"""How parameters are named: `optimizer.sgd.momentum` is `momentum` inside the branch `sgd` of `optimizer`.

The recorded name holds the branch, so no two parameters share one. Builders get the short name. A nested mapping, as a
person writes it in `fixed`, and the flat one, as it is recorded, hold the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.records.values import Scalar


def branch_name(value: Scalar) -> str:
    """An option as part of a recorded name, written as in a sweep file."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def recorded_name(short: str, parent: str | None, parent_value: Scalar) -> str:
    return short if parent is None else f"{parent}.{branch_name(parent_value)}.{short}"


def arguments(config: Mapping[str, Any], name: str) -> tuple[Any, dict[str, Any]]:
    """The value of `name` and, by their short names, all parameters of its active branch, to any depth.

    >>> arguments({"optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "lr": 0.1}, "optimizer")
    ('sgd', {'momentum': 0.9})

    Parameters of branches that are not active are left out. Raises KeyError where `name` is not set.
    """
    value, found = config[name], dict[str, Any]()
    for short in _children(config, name, value):
        child = f"{name}.{branch_name(value)}.{short}"
        inner, deeper = arguments(config, child)
        found |= {short: inner, **deeper}
    return value, found


def nest(config: Mapping[str, Any]) -> dict[str, Any]:
    """The flat configuration as a person would write it: `{"optimizer": {"sgd": {"momentum": 0.9}}}`.

    What hangs on a branch that is not active is left out.
    """
    return {name: _nested(config, name) for name in config if "." not in name}


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `nest`; flat names pass as they are. A mapping with several keys is not a branch: ValueError."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if not isinstance(value, Mapping):
            flat[name] = value
            continue
        if len(value) != 1:
            raise ValueError(f"{name} names {len(value)} branches where one is needed")
        ((branch, inner),) = value.items()
        flat[name] = branch
        prefix = f"{name}.{branch_name(branch)}."
        flat |= {prefix + short: deep for short, deep in flatten(inner or {}).items()}
    return flat


def _children(config: Mapping[str, Any], name: str, value: Any) -> list[str]:
    if not isinstance(value, bool | int | float | str | None):
        return []
    prefix = f"{name}.{branch_name(value)}."
    inside = [key[len(prefix) :] for key in config if key.startswith(prefix)]
    return [rest for rest in inside if "." not in rest]


def _nested(config: Mapping[str, Any], name: str) -> Any:
    value = config[name]
    shorts = _children(config, name, value)
    if not shorts:
        return value
    return {value: {short: _nested(config, f"{name}.{branch_name(value)}.{short}") for short in shorts}}
