"""A configuration that a searcher is given: by the user, by an earlier search, by the journal."""

from __future__ import annotations

from tuner.errors import InputError
from tuner.records.values import Config
from tuner.space import Space


def check(space: Space, number: int, config: Config) -> None:
    """Raises InputError for a configuration outside the space."""
    faults = space.faults(config)
    if faults:
        raise InputError(f"trial {number} does not fit the space", faults)
