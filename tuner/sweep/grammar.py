"""The grammar of `space`: ranges, choices and constants, nested in the options that need them, to any depth.

`lr: {float: [1e-5, 1], log: true, default: 1e-3}`, `depth: {int: [1, 6]}`, `batch_size: {choice: [32, 64]}`; a bare
value is a constant. A choice is a list or a mapping; `adamw`, `adamw:` and `adamw: {}` bring no parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tuner.records.values import Scalar
from tuner.space import Choice, Constant, Domain, Float, Int, branch_name, canonical, did_you_mean
from tuner.sweep.setting import KINDS, Setting, Under, check_finite, distinct, read_settings
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Place, Table, shown

BIGGEST_INT = 2**53
"""Whole numbers beyond are not exact as floats, in which searchers reckon."""
BIGGEST_FLOAT = 1e300
"""So that a range's width is a number too."""


def read_space(node: Node, place: Place, faults: Faults) -> tuple[Setting, ...]:
    """All parameters, parents before children."""
    return distinct(read_settings(node, place, Under("space"), faults, _parameter), faults)


def _parameter(entry: Entry, under: Under, faults: Faults) -> Iterator[Setting]:
    short, node, place = entry.name, entry.node, entry.place
    where = under.where(short)
    if isinstance(node, Leaf):
        constant = Constant(node.value) if check_finite(node, where, faults) else None
        yield Setting(under.name(short), short, "space", constant, place, under.parent, under.value)
        return
    if isinstance(node, Items):
        faults.add(where, shown(node), f"did you mean `choice`? write `{short}: {{choice: [...]}}`", place)
        yield Setting(under.name(short), short, "space", None, place, under.parent, under.value)
        return
    kinds = [kind for kind in KINDS if node.get(kind) is not None]
    if len(kinds) != 1:
        faults.add(where, shown(node), _which_kind(node, kinds), place)
        yield Setting(under.name(short), short, "space", None, place, under.parent, under.value)
        return
    (kind,) = kinds
    allowed = (kind, "default") if kind == "choice" else (kind, "log", "default")
    for other in node.entries:
        if other.key not in allowed:
            cure = "a choice has no scale: leave it out" if other.key == "log" else did_you_mean(other.name, allowed)
            faults.add(f"{where}.{other.name}", shown(other.node), f"no such key: {cure}", other.place)
    given = node.get(kind)
    assert given is not None
    children: list[Setting] = []
    places: list[Place] = []
    domain: Domain | None = None
    if kind == "choice":
        domain = _choice(given, under.name(short), faults, children, places)
    else:
        domain = _range(given, node.get("log"), kind, where, faults)
    default, has_default = _default(node.get("default"), domain, where, faults)
    yield Setting(
        under.name(short),
        short,
        "space",
        domain,
        place,
        under.parent,
        under.value,
        default,
        has_default,
        tuple(places),
    )
    yield from children


def _which_kind(node: Table, kinds: list[str]) -> str:
    if kinds:
        return f"is {' and '.join(kinds)} at once: keep one"
    names = [entry.name for entry in node.entries]
    for name in names:
        meant = did_you_mean(name, KINDS)
        if meant.startswith("did you mean"):
            return f"no such key `{name}`: {meant}"
    if names and not set(names) & {"log", "default"}:
        return "write the options under `choice`: {choice: {...}}"
    return "write {float: [low, high]}, {int: [low, high]}, {choice: [...]} or a constant"


def _range(given: Entry, log: Entry | None, kind: str, where: str, faults: Faults) -> Domain | None:
    before = len(faults.found)
    is_log = False
    if log is not None:
        if isinstance(log.node, Leaf) and isinstance(log.node.value, bool):
            is_log = log.node.value
        else:
            faults.add(f"{where}.log", shown(log.node), "write true or false", log.place)
    node = given.node
    if not isinstance(node, Items) or len(node.items) != 2:
        faults.add(f"{where}.{kind}", shown(node), f"write the two bounds: {{{kind}: [low, high]}}", given.place)
        return None
    bounds = [_bound(item, kind, f"{where}.{kind}", faults) for item in node.items]
    low, high = bounds
    if low is None or high is None:
        return None
    if low >= high:
        cure = "low is not below high: " + (
            f"write [{high:g}, {low:g}]" if low > high else f"write `{low:g}` alone for a constant"
        )
        faults.add(f"{where}.{kind}", shown(node), cure, given.place)
    if is_log and low <= 0:
        faults.add(f"{where}.{kind}", shown(node), "a logarithmic range begins above 0", given.place)
    if len(faults.found) > before:
        return None
    return Float(float(low), float(high), is_log) if kind == "float" else Int(int(low), int(high), is_log)


def _bound(item: Node, kind: str, where: str, faults: Faults) -> float | int | None:
    value = item.value if isinstance(item, Leaf) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        cure = "a bound is a number"
        if isinstance(value, str) and _number_meant(value):
            cure += f": write {value.replace('_', '')}"
    elif not math.isfinite(value) or abs(value) > BIGGEST_FLOAT:
        cure = f"a bound is finite and within ±{BIGGEST_FLOAT:g}"
    elif kind == "int" and value != int(value):
        cure = f"a bound of int is a whole number: write {round(value)}, or float in place of int"
    elif kind == "int" and abs(value) > BIGGEST_INT:
        cure = "a bound of int lies within ±2^53"
    else:
        return int(value) if kind == "int" else float(value)
    faults.add(where, shown(item), cure, item.place)
    return None


def _number_meant(text: str) -> bool:
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True


def _choice(given: Entry, name: str, faults: Faults, children: list[Setting], places: list[Place]) -> Domain | None:
    where = f"space.{name}"
    options: list[Scalar] = []
    known: dict[str, Place] = {}
    good = True
    for option in _options(given, where, faults):
        if option is None:
            good = False
            continue
        leaf, inside, place = option
        text = branch_name(leaf.value)
        if not check_finite(leaf, where, faults):
            good = False
            continue
        if text in known:
            cure = f"`{text}` is among the options twice: keep one"
            faults.add(where, leaf.value, cure, place)
            good = False
            continue
        known[text] = place
        options.append(leaf.value)
        places.append(place)
        if inside is not None:
            children += read_settings(inside, place, Under("space", name, leaf.value), faults, _parameter)
    if good and not options:
        faults.add(where, None, "a choice needs options", given.place)
    return Choice(tuple(options)) if options else None


def _options(given: Entry, where: str, faults: Faults) -> Iterator[tuple[Leaf, Node | None, Place] | None]:
    """(option, what it brings, where) one by one; None for what is no option."""
    node = given.node
    if isinstance(node, Table):
        for entry in node.entries:
            yield Leaf(entry.key, entry.place, entry.name), entry.node, entry.place
    elif isinstance(node, Items):
        for item in node.items:
            if isinstance(item, Leaf):
                yield item, None, item.place
            elif isinstance(item, Table) and len(item.entries) == 1:
                (entry,) = item.entries
                yield Leaf(entry.key, entry.place, entry.name), entry.node, entry.place
            else:
                cure = "an option is one value, or one name with its parameters: `- sgd: {momentum: 0.9}`"
                faults.add(where, shown(item), cure, item.place)
                yield None
    else:
        faults.add(where, shown(node), "write the options as a list: {choice: [...]}", given.place)
        yield None


def _default(entry: Entry | None, domain: Domain | None, where: str, faults: Faults) -> tuple[Scalar, bool]:
    if entry is None:
        return None, False
    if not isinstance(entry.node, Leaf):
        faults.add(f"{where}.default", shown(entry.node), "a default is one value", entry.place)
        return None, False
    if domain is None:
        return None, False
    value = canonical(domain, entry.node.value)
    if not domain.contains(value):
        meant = (
            did_you_mean(value, map(branch_name, domain.options)) if isinstance(domain, Choice) else f"write {domain}"
        )
        faults.add(f"{where}.default", value, f"the default is outside the range: {meant}", entry.place)
        return None, False
    return value, True
