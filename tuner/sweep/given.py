"""Parameters given on a command line: `--config lr=0.003 --config optimizer.sgd.momentum=0.9`."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.errors import InputError
from tuner.records.values import Scalar
from tuner.space import Domain, Space, canonical
from tuner.sweep.yaml12 import resolve


def read_config(given: Mapping[str, str], space: Space, flag: str = "--config") -> dict[str, Scalar]:
    """Part of a configuration, by the rules of a sweep file; `Space.complete` makes it whole.

    Raises InputError with every name that the space lacks and every value outside its range.
    """
    domains = {item.name: item.domain for item in space.parameters}
    config = {name: _value(text, domains.get(name)) for name, text in given.items()}
    faults = space.faults(config, partial=True, where=f"{flag} ")
    if faults:
        raise InputError("the configuration", faults)
    return config


def _value(text: str, domain: Domain | None) -> Scalar:
    """Text that looks like a number stays text where only that is an option."""
    try:
        value = resolve(text)
    except ValueError:  # a number of thousands of digits
        return text
    if domain is None:
        return value
    value = canonical(domain, value)
    return text if not domain.contains(value) and domain.contains(text) else value
