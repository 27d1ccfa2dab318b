"""The grammar of `fixed`: values, lists, and for what has branches the one that is taken.

`fixed: {schedule: cosine, split: [0.8, 0.1, 0.1], optimizer: {sgd: {momentum: 0.9}}}`
"""

from __future__ import annotations

from collections.abc import Iterator

from tuner.space import Constant, Domain
from tuner.sweep.setting import KINDS, Listed, Setting, Under, check_finite, distinct, read_settings
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Place, Table, shown


def read_fixed(node: Node, place: Place, faults: Faults) -> tuple[Setting, ...]:
    """All fixed parameters, parents before children."""
    return distinct(read_settings(node, place, Under("fixed"), faults, _fixed), faults)


def _fixed(entry: Entry, under: Under, faults: Faults) -> Iterator[Setting]:
    short, node, place = entry.name, entry.node, entry.place
    where, name = under.where(short), under.name(short)
    domain: Domain | Listed | None = None
    inside: Entry | None = None
    places: tuple[Place, ...] = ()
    match node:
        case Leaf():
            domain = Constant(node.value) if check_finite(node, where, faults) else None
        case Items(items):
            leaves = [item for item in items if isinstance(item, Leaf) and check_finite(item, where, faults)]
            if len(leaves) == len(items):
                domain = Listed(tuple(leaf.value for leaf in leaves))
                places = tuple(leaf.place for leaf in leaves)
            else:
                faults.add(where, shown(node), "a fixed list holds plain finite values", place)
        case Table(entries) if len(entries) == 1 and entries[0].name not in KINDS:
            (inside,) = entries
            domain = Constant(inside.key)
        case Table(entries) if any(item.name in KINDS for item in entries):
            faults.add(where, shown(node), "what may vary belongs in `space`", place)
        case Table():
            cure = f"name the one branch that is taken: `{short}: {{sgd: {{momentum: 0.9}}}}`"
            faults.add(where, shown(node), cure, place)
    yield Setting(name, short, "fixed", domain, place, under.parent, under.value, places=places)
    if inside is not None:
        yield from read_settings(inside.node, inside.place, Under("fixed", name, inside.key), faults, _fixed)
