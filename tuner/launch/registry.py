"""Tune's register of trainables, asked once.

It lies in the store of the cluster's head, and Tune asks there three times a trial for a class that never changes
while a sweep runs: a tenth of what a short trial costs the driver (ray 2.60, docs/log.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ray.tune import registry


@contextmanager
def remembered() -> Iterator[None]:
    """Inside, what Tune's register has once given or known is taken from memory; what it did not know is asked for
    again."""
    register = registry._global_registry
    ask = register.contains
    known: set[tuple[str, str]] = set()

    def contains(category: str, key: str) -> bool:
        if (category, key) not in known and ask(category, key):
            known.add((category, key))
        return (category, key) in known

    with _replaced(register, contains=contains, get=cache(register.get)):
        yield


@contextmanager
def _replaced(thing: Any, **methods: Any) -> Iterator[None]:
    vars(thing).update(methods)
    try:
        yield
    finally:
        for name in methods:
            del vars(thing)[name]
