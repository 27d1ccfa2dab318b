"""What a sweep file may hold one day and this version cannot do: refused, never read and ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuner.sweep.tree import Entry, Faults, Table, plain, shown


def _always(value: Any) -> bool:  # noqa: ARG001
    return True


@dataclass(frozen=True, slots=True)
class Later:
    """One thing that has to wait."""

    path: str
    what: str
    when: Callable[[Any], bool] = _always
    """Which values of that path are meant."""


LATER = (Later("tracking.curves", "curves of the best trials alone", lambda value: value == "top"),)


def refuse_later(tree: Table, faults: Faults) -> Table:
    """The tree without what this version cannot do; one fault for each such thing."""
    for item in LATER:
        section, _, key = item.path.partition(".")
        entry = tree.get(section)
        if entry is None:
            continue
        if not key:
            if _refused(item, entry, faults):
                tree = tree.without(section)
        elif isinstance(entry.node, Table):
            inner = entry.node.get(key)
            if inner is not None and _refused(item, inner, faults):
                tree = tree.with_entry(Entry(section, entry.place, entry.node.without(key)))
    return tree


def _refused(item: Later, entry: Entry, faults: Faults) -> bool:
    if not item.when(plain(entry.node)):
        return False
    cure = f"this version cannot do it yet ({item.what}): leave it out"
    faults.add(item.path, shown(entry.node), cure, entry.place)
    return True
