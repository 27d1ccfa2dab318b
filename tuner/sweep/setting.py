"""What the grammars of `space` and `fixed` yield: settings, each with its recorded name and its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tuner.records.values import Scalar
from tuner.space import Choice, Constant, Domain, Parameter, branch_name
from tuner.space.naming import recorded_name
from tuner.sweep.tree import Entry, Faults, Leaf, Node, Place, Table, shown

KINDS = ("float", "int", "choice")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, as `fixed` may hold one."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter of the space or a fixed one, with where it was written."""

    name: str
    short: str
    section: str
    """`space` or `fixed`."""
    domain: Domain | Listed | None
    """None where it was written so that no sense could be made of it; the fault is gathered."""
    place: Place
    parent: str | None = None
    parent_value: Scalar = None
    default: Scalar = None
    has_default: bool = False
    places: tuple[Place, ...] = ()
    """Of the single values, where each has a place of its own."""

    @property
    def where(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The single values that it can take; none for a range."""
        match self.domain:
            case Choice(options):
                return options
            case Constant(value):
                return (value,)
            case Listed(values):
                return values
            case _:
                return ()

    @property
    def placed(self) -> Iterator[tuple[Scalar, Place]]:
        """The single values, each with its place."""
        values = self.values
        return zip(values, self.places or (self.place,) * len(values), strict=True)

    def parameter(self) -> Parameter:
        """As the space holds it; only for a setting without faults."""
        assert isinstance(self.domain, Domain)
        return Parameter(
            self.name, self.short, self.domain, self.default, self.has_default, self.parent, self.parent_value
        )


@dataclass(frozen=True, slots=True)
class Under:
    """The option that settings hang on; none at the top."""

    section: str
    parent: str | None = None
    value: Scalar = None

    def name(self, short: str) -> str:
        return recorded_name(short, self.parent, self.value)

    def where(self, short: str) -> str:
        return f"{self.section}.{self.name(short)}"


ReadOne = Callable[[Entry, Under, Faults], Iterator[Setting]]


def read_settings(node: Node, place: Place, under: Under, faults: Faults, read_one: ReadOne) -> Iterator[Setting]:
    """The settings of one mapping, each by `read_one`, parents before what hangs on them."""
    if isinstance(node, Leaf) and node.value is None:
        return
    if not isinstance(node, Table):
        example = "lr: {float: [1e-5, 1], log: true}" if under.section == "space" else "schedule: cosine"
        where = under.section if under.parent is None else f"{under.section}.{under.parent}.{branch_name(under.value)}"
        faults.add(where, shown(node), f"write parameters by name, as in `{example}`", place)
        return
    for entry in node.entries:
        if isinstance(entry.key, str) and NAME.fullmatch(entry.key):
            yield from read_one(entry, under, faults)
            continue
        cure = "a parameter's name is made of letters, digits and _, and begins with a letter"
        if "." in entry.name:
            cure = "nest it: `optimizer.sgd.momentum` is written `optimizer: {sgd: {momentum: ...}}`"
        faults.add(f"{under.section}.{entry.name}", None, cure, entry.place)


def distinct(settings: Iterator[Setting], faults: Faults) -> tuple[Setting, ...]:
    """All of them, with a fault where branches are named so that two would be recorded under one name."""
    seen: dict[str, Setting] = {}
    for setting in settings:
        if seen.setdefault(setting.name, setting) is not setting:
            cure = "two parameters would be recorded under this name: rename one of the branches"
            faults.add(setting.where, None, cure, setting.place)
    return tuple(seen.values())


def check_finite(leaf: Leaf, where: str, faults: Faults) -> bool:
    if isinstance(leaf.value, float) and not math.isfinite(leaf.value):
        faults.add(where, leaf.value, "write a finite number", leaf.place)
        return False
    return True
