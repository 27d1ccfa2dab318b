"""What is otherwise than in the last good night: code, data, configuration, packages, machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tuner.api.differing import as_json, code_version, differing, digits, package_rank
from tuner.nightly.commits import code_details
from tuner.records.night import Change, Conditions

MOST_PACKAGES = 10
"""Packages that are a change each; of the others one says how many they are."""
EVERY_NIGHT = ("seed", "search.warm_start")
"""Paths that a nightly itself sets anew each night."""


def changes(
    before: Conditions, now: Conditions, folder: Path, ignore: Collection[str] = EVERY_NIGHT
) -> tuple[Change, ...]:
    """Empty where the two are the same.

    `ignore`: paths in the sweep file that may differ, with all that lies under them; `machine.host` and the like too.
    """
    found = [*_code(before.code, now.code, folder), *_data(before.data_hash, now.data_hash)]
    found += _each("configuration", before.settings, now.settings)
    found += _packages(before.packages, now.packages)
    found += _each("machine", before.machine, now.machine)
    return tuple(one for one in found if not _is_ignored(one, ignore))


def _code(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, folder: Path) -> list[Change]:
    if as_json(old) == as_json(new):
        return []
    same_commit = (old or {}).get("commit") == (new or {}).get("commit")
    what = "edits" if same_commit else "commits"
    return [Change("code", what, code_version(old), code_version(new), code_details(old, new, folder))]


def _data(old: str | None, new: str | None) -> list[Change]:
    if old == new:
        return []
    return [Change("data", "data hash", digits(old), digits(new))]


def _each(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """A change a name, in the order of tonight's."""
    return [Change(kind, one.what, one.told[1], one.told[0]) for one in differing((new, old))]


def _packages(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    every = sorted(_each("packages", old, new), key=lambda one: package_rank(one.what))
    if len(every) <= MOST_PACKAGES:
        return every
    rest = every[MOST_PACKAGES:]
    more = tuple(f"{one.what} {one.old} -> {one.new}" for one in rest)
    return [*every[:MOST_PACKAGES], Change("packages", f"{len(rest)} more", "", "", more)]


def _is_ignored(change: Change, ignore: Collection[str]) -> bool:
    path = change.what if change.kind == "configuration" else f"{change.kind}.{change.what}"
    return any(path == place or path.startswith(f"{place}.") for place in ignore)
