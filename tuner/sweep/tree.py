"""A sweep file as a tree in which everything knows its place, and the list in which faults are gathered.

YAML text, a Python mapping, `--set` flags and environment variables all become this tree, so that one reader checks
them all and each fault names the line, the flag or the variable that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import Fault
from tuner.records.values import Scalar, to_scalar
from tuner.space import branch_name, same


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written."""

    line: int | None = None
    """Line in the file, from 1."""
    flag: str | None = None
    """`--set search.trials`, or the environment variable's name."""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value."""

    value: Scalar
    place: Place = NOWHERE
    text: str = ""
    """As it was written."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, where it stands, and what it holds."""

    key: Scalar
    place: Place
    node: Node

    @property
    def name(self) -> str:
        return branch_name(self.key)


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; no key twice."""

    entries: tuple[Entry, ...]
    place: Place = NOWHERE

    def get(self, key: Scalar) -> Entry | None:
        return next((entry for entry in self.entries if same(entry.key, key)), None)

    def without(self, *keys: str) -> Table:
        return Table(tuple(entry for entry in self.entries if entry.key not in keys), self.place)

    def with_entry(self, new: Entry) -> Table:
        """The entry in the place of the one with its key, else at the end."""
        if self.get(new.key) is None:
            return Table((*self.entries, new), self.place)
        return Table(tuple(new if same(entry.key, new.key) else entry for entry in self.entries), self.place)


Node = Leaf | Items | Table


def plain(node: Node) -> Any:
    """The values alone: dicts with text as keys, lists and scalars."""
    match node:
        case Leaf(value):
            return value
        case Items(items):
            return [plain(item) for item in items]
        case Table(entries):
            return {entry.name: plain(entry.node) for entry in entries}


def shown(node: Node) -> Any:
    """What a fault prints as found: a value whole, a long list or mapping cut short."""
    found = plain(node)
    text = repr(found)
    return found if len(text) <= 60 else _Cut(text[:57] + "...")


class _Cut(str):
    """Text that is printed without quotes around it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def from_python(value: object, where: str, faults: Faults, place: Place = NOWHERE, depth: int = 0) -> Node:
    """The tree of a Python value: mappings, sequences, plain and numpy numbers; a fault for anything else."""
    if depth > MAX_DEPTH:
        faults.add(where, None, f"is nested more than {MAX_DEPTH} deep", place)
        return Leaf(None, place)
    if isinstance(value, Mapping):
        entries = []
        for key, inner in value.items():
            name = key if key is None or isinstance(key, bool | int | float | str) else str(key)
            at = f"{where}.{branch_name(name)}" if where else branch_name(name)
            entries.append(Entry(name, place, from_python(inner, at, faults, place, depth + 1)))
        return Table(tuple(entries), place)
    if isinstance(value, list | tuple | range):
        items = (from_python(item, f"{where}[{i}]", faults, place, depth + 1) for i, item in enumerate(value))
        return Items(tuple(items), place)
    try:
        scalar = to_scalar(value)
    except (TypeError, ValueError) as error:
        faults.add(where, None, f"write a number, text, list or mapping: {error}", place)
        scalar = None
    return Leaf(scalar, place, str(value))


MAX_DEPTH = 64
"""Levels of nesting; no sweep comes near it, and Python's own stack stays far away."""


@dataclass
class Faults:
    """All that is wrong with a sweep file, gathered before any of it is raised."""

    found: list[Fault] = field(default_factory=list)

    def add(self, where: str, value: object, cure: str, place: Place = NOWHERE) -> None:
        """One more. A fault in what a flag or a variable gave names that in place of the path."""
        fault = Fault(place.flag or where, value, cure, None if place.flag else place.line)
        if fault not in self.found:
            self.found.append(fault)

    def take(self, faults: Iterable[Fault], place: Place = NOWHERE) -> None:
        for fault in faults:
            self.add(fault.where, fault.found, fault.cure, place)

    def sorted(self) -> tuple[Fault, ...]:
        """From the top of the file down; those without a line last."""
        return tuple(sorted(self.found, key=lambda fault: (fault.line is None, fault.line or 0)))

    def __bool__(self) -> bool:
        return bool(self.found)
