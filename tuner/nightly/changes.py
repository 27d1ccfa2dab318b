"""What is otherwise than in the last good night: code, data, configuration, packages, machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from tuner.api.environment import PACKAGES
from tuner.nightly.commits import code_details, short
from tuner.records.night import Change, Conditions

MOST_PACKAGES = 10
"""Packages that are a change each; of the others one says how many they are."""
EVERY_NIGHT = ("seed", "search.warm_start")
"""Paths that a nightly itself sets anew each night."""
NOT_THERE = "not there"
_LONGEST = 80
"""Characters of a value."""
_DIGITS = 12
"""Of the data's hash."""


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
    if _as_json(old) == _as_json(new):
        return []
    same_commit = (old or {}).get("commit") == (new or {}).get("commit")
    what = "edits" if same_commit else "commits"
    return [Change("code", what, _version(old), _version(new), code_details(old, new, folder))]


def _version(code: Mapping[str, Any] | None) -> str:
    """`1a2b3c4`, `1a2b3c4 with edits`; a hash of the user's own files outside a repository."""
    if code is None:
        return "unknown"
    commit = code.get("commit")
    if not commit:
        return f"files {str(code.get('diff'))[:_DIGITS]}"
    return f"{short(str(commit))} with edits" if code.get("dirty") else short(str(commit))


def _data(old: str | None, new: str | None) -> list[Change]:
    if old == new:
        return []
    return [Change("data", "data hash", _digits(old), _digits(new))]


def _digits(told: str | None) -> str:
    return "unknown" if told is None else told[:_DIGITS]


def _each(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """A change a name, in the order of tonight's."""
    found = []
    for name in dict.fromkeys([*new, *old]):
        there, here = name in old, name in new
        if there and here and _as_json(old[name]) == _as_json(new[name]):
            continue
        before, after = _text(old[name]) if there else NOT_THERE, _text(new[name]) if here else NOT_THERE
        if before == after:  # the text "1" and the number 1, say
            before, after = (_as_json(old[name]) if there else before), (_as_json(new[name]) if here else after)
        found.append(Change(kind, name, *_pair(before, after)))
    return found


def _packages(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Python and those that a result hangs on most first."""
    first = {name: place for place, name in enumerate(("python", *PACKAGES))}
    every = sorted(_each("packages", old, new), key=lambda one: (first.get(one.what, len(first)), one.what))
    if len(every) <= MOST_PACKAGES:
        return every
    rest = every[MOST_PACKAGES:]
    more = tuple(f"{one.what} {one.old} -> {one.new}" for one in rest)
    return [*every[:MOST_PACKAGES], Change("packages", f"{len(rest)} more", "", "", more)]


def _is_ignored(change: Change, ignore: Collection[str]) -> bool:
    path = change.what if change.kind == "configuration" else f"{change.kind}.{change.what}"
    return any(path == place or path.startswith(f"{place}.") for place in ignore)


def _as_json(value: Any) -> str:
    """By which two are compared: what a record gives back equals what was written, tuples or lists."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _as_json(value)


def _pair(old: str, new: str) -> tuple[str, str]:
    """Both short enough to be read; where they agree for long, from shortly before they part."""
    if max(len(old), len(new)) <= _LONGEST:
        return old, new
    part = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    skip = max(0, part - 20) if part > _LONGEST - 20 else 0
    return _cut(old, skip), _cut(new, skip)


def _cut(text: str, skip: int) -> str:
    shown = ("…" if skip else "") + text[skip:]
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
