"""What comes from outside the file: a flag beats the file, the file beats the environment.

`--set search.trials=20` sets the value at a path, by the rules of the file itself; text needs no quotes where only text
can stand. A path may go through a choice (`space.optimizer.choice.sgd.momentum`) and into a name that stands alone
(`search.scheduler.asha.eta` where the file says `scheduler: asha`).
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Union, get_args, get_origin

from pydantic import BaseModel

from tuner.sweep.sections import SweepFile
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Place, Table
from tuner.sweep.yaml12 import parse_value

ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": "tracking.uri",
    "MLFLOW_EXPERIMENT_NAME": "tracking.experiment",
    "TUNER_DATA": "data.dir",
}
"""Variable -> the path that it fills where file and flags are silent. An empty one counts as not set."""
RAY_ADDRESS = "RAY_ADDRESS"


def ray_address(flag: str | None, environment: Mapping[str, str]) -> str | None:
    """The cluster to run on: `--address`, else RAY_ADDRESS. No sweep file names it: the same file runs everywhere."""
    return flag or environment.get(RAY_ADDRESS) or None


def apply_environment(tree: Table, environment: Mapping[str, str]) -> Table:
    """Fills in what the tree does not say."""
    for variable, path in ENVIRONMENT.items():
        text = environment.get(variable)
        if not text or _is_set(tree, path.split(".")):
            continue
        place = Place(flag=variable)
        filled = _with_value(tree, path.split("."), Leaf(text, place, text), place)
        assert isinstance(filled, Table)
        tree = filled
    return tree


def apply_overrides(
    tree: Table, overrides: Mapping[str, str], faults: Faults, flags: Mapping[str, str] | None = None
) -> Table:
    """Sets each path's value. `flags`: path -> the flag as it was typed, where that was not `--set`."""
    for path, text in overrides.items():
        flag = (flags or {}).get(path) or f"--set {path}"
        steps = path.split(".")
        if not all(steps):
            faults.add(flag, text, "write PATH=VALUE with a path such as search.trials", Place(flag=flag))
            continue
        place = Place(flag=flag)
        if path in text_paths():
            value: Node = Leaf(None if text in ("", "~", "null") else text, place, text)
        else:
            value = parse_value(text, faults, flag)
        changed = _with_value(tree, steps, value, place)
        assert isinstance(changed, Table)
        tree = changed
    return tree


@cache
def text_paths() -> frozenset[str]:
    """Paths at which nothing but text can stand, so that `--data 2024` names a folder."""
    return frozenset(_text_paths(SweepFile, ""))


def _text_paths(model: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _text_paths(kind, f"{prefix}{name}.")
        elif kind is str or (get_origin(kind) in (Union, types.UnionType) and set(get_args(kind)) == {str, type(None)}):
            found.append(prefix + name)
    return found


def _is_set(node: Node, steps: list[str]) -> bool:
    for step in steps:
        entry = node.get(step) if isinstance(node, Table) else None
        if entry is None:
            return False
        node = entry.node
    return not (isinstance(node, Leaf) and node.value is None)


def _with_value(node: Node, steps: list[str], value: Node, place: Place) -> Node:
    if not steps:
        return value
    step, *rest = steps
    if isinstance(node, Items):
        return _in_list(node, step, rest, value, place)
    if isinstance(node, Leaf):
        inside: tuple[Entry, ...] = ()
        if node.value is not None and node.text == step:
            inside = (Entry(node.value, node.place, Leaf(None, node.place)),)
        node = Table(inside, node.place)
    entry = next((entry for entry in node.entries if entry.name == step), None)
    if entry is None:
        return node.with_entry(Entry(step, place, _with_value(Leaf(None, place), rest, value, place)))
    inner = _with_value(entry.node, rest, value, place)
    return node.with_entry(Entry(entry.key, entry.place if rest else place, inner))


def _in_list(node: Items, step: str, rest: list[str], value: Node, place: Place) -> Node:
    """An item by its place, from 0, or by its name: `sgd` in `[adamw, {sgd: {...}}]`. A new name is added."""
    items = list(node.items)
    for i, item in enumerate(items):
        named = isinstance(item, Leaf) and item.text == step
        keyed = isinstance(item, Table) and len(item.entries) == 1 and item.entries[0].name == step
        if named or keyed:
            items[i] = _with_value(item, [step, *rest], value, place)
            return Items(tuple(items), node.place)
    if step.isdecimal() and int(step) < len(items):
        items[int(step)] = _with_value(items[int(step)], rest, value, place)
    else:
        items.append(Table((Entry(step, place, _with_value(Leaf(None, place), rest, value, place)),), place))
    return Items(tuple(items), node.place)
