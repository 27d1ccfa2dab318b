"""The sections of the tree through pydantic: every wrong key and value becomes a fault with its place."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tuner.sweep.sections import SECTIONS, SweepFile
from tuner.sweep.tree import NOWHERE, Entry, Faults, Leaf, Node, Place, Table, plain, shown
from tuner.sweep.wording import cure_of

OWN_GRAMMAR = ("metric", "space", "fixed")


def read_sections(tree: Table, faults: Faults) -> SweepFile:
    """The file as its model says it. What is wrong is gathered and left out, so that the rest can still be checked."""
    # What has a grammar of its own is read elsewhere, from the tree; here it only counts that it is there.
    data = {e.name: True if e.name in OWN_GRAMMAR else plain(e.node) for e in tree.entries if not _is_empty_section(e)}
    while True:
        try:
            return SweepFile.model_validate(data)
        except ValidationError as error:
            for found in error.errors(include_url=False):
                path = [str(step) for step in found["loc"]]
                entry = entry_at(tree, path)
                # A missing key has no entry; what is there is shown as it was written.
                value = None if entry is None else shown(entry.node)
                faults.add(".".join(path), value, _cure(found), NOWHERE if entry is None else entry.place)
                _take_out(data, path)


def _cure(found: Any) -> str:
    if found["type"] == "missing":
        return "is missing: write what may be tried, as in `space: {lr: {float: [1e-5, 1], log: true}}`"
    return cure_of(found)


def _is_empty_section(entry: Entry) -> bool:
    return entry.name in SECTIONS and isinstance(entry.node, Leaf) and entry.node.value is None


def entry_at(tree: Node, path: list[str]) -> Entry | None:
    """The entry at a path of keys; None where there is none."""
    entry: Entry | None = None
    for step in path:
        entry = next((e for e in tree.entries if e.name == step), None) if isinstance(tree, Table) else None
        if entry is None:
            return None
        tree = entry.node
    return entry


def place_at(tree: Node, path: str) -> Place:
    entry = entry_at(tree, path.split("."))
    return NOWHERE if entry is None else entry.place


def _take_out(data: dict[str, Any], path: list[str]) -> None:
    *folders, last = path
    for step in folders:
        data = data[step]
    if last in data:
        del data[last]
    else:
        data[last] = True
