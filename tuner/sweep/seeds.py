"""Noise between seeds: what `search.repeats` and `search.finalists` ask for, and whether it fits the search."""

from __future__ import annotations

from tuner.sweep.sections import SearchSection
from tuner.sweep.tree import Faults, Table, shown
from tuner.sweep.validated import entry_at


def check_seeds(section: SearchSection, tree: Table, trials: int | None, faults: Faults) -> None:
    """`trials`: how many configurations there will be; None where nobody knows."""
    entry = entry_at(tree, ["search", "finalists"])
    if entry is None or section.finalists is None:
        return
    if section.repeats > 1:
        cure = "does what search.repeats does already: keep `repeats`, or `finalists`, which costs far less"
        faults.add("search.finalists", shown(entry.node), cure, entry.place)
    top = section.finalists.top
    if trials is not None and top > trials:
        inner = entry_at(tree, ["search", "finalists", "top"])
        cure = f"the search has {trials} configurations: write at most {trials}, or more trials"
        faults.add("search.finalists.top", top, cure, entry.place if inner is None else inner.place)
