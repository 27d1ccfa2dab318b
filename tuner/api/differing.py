"""What differs between runs, a row a name: settings, packages, code, data; as short texts that one can tell apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from tuner.api.environment import PACKAGES
from tuner.records.comparison import NOT_THERE, Difference

_LONGEST = 80
"""Characters of a value."""
_DIGITS = 12
"""Of a hash."""
_ABSENT = object()


def differing(sides: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """A row for each name whose values are not all the same, in the order of the first side, then of the others."""
    found = []
    for name in dict.fromkeys(name for side in sides for name in side):
        values = [side.get(name, _ABSENT) for side in sides]
        if len({None if value is _ABSENT else as_json(value) for value in values}) < 2:
            continue
        told = [NOT_THERE if value is _ABSENT else text(value) for value in values]
        if len(set(told)) < 2 or any(
            one == NOT_THERE and value is not _ABSENT for one, value in zip(told, values, strict=True)
        ):  # the text "1" and the number 1, say
            told = [NOT_THERE if value is _ABSENT else as_json(value) for value in values]
        found.append(Difference(name, cut(told)))
    return found


def package_rank(name: str) -> tuple[int, str]:
    """Python and those that a result hangs on most first."""
    first = ("python", *PACKAGES)
    return (first.index(name) if name in first else len(first), name)


def code_version(code: Mapping[str, Any] | None) -> str:
    """`1a2b3c4`, `1a2b3c4 with edits`; a hash of the user's own files outside a repository."""
    if code is None:
        return "unknown"
    commit = code.get("commit")
    if not commit:
        return f"files {str(code.get('diff'))[:_DIGITS]}"
    return f"{short(str(commit))} with edits" if code.get("dirty") else short(str(commit))


def code_exactly(code: Mapping[str, Any] | None) -> str:
    """The same, with a hash of the edits: `1a2b3c4 with edits 5e6f7a8b`."""
    told = code_version(code)
    if code is None or not code.get("dirty"):
        return told
    edits = hashlib.sha256(str(code.get("diff")).encode("utf-8", errors="replace")).hexdigest()
    return f"{told} {edits[:8]}"


def short(commit: str) -> str:
    return commit[:7]


def digits(told: str | None) -> str:
    """The first ones of a hash."""
    return "unknown" if told is None else told[:_DIGITS]


def as_json(value: Any) -> str:
    """By which two are compared: what a record gives back equals what was written, tuples or lists."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def text(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)


def cut(told: Sequence[str]) -> tuple[str, ...]:
    """All short enough to be read; where they agree for long, from shortly before they part."""
    if max(map(len, told)) <= _LONGEST:
        return tuple(told)
    there = [one for one in told if one != NOT_THERE]
    part = sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*there, strict=False)))
    skip = max(0, part - 20) if part > _LONGEST - 20 and len(there) > 1 else 0
    return tuple(one if one == NOT_THERE else _shortened(one, skip) for one in told)


def _shortened(told: str, skip: int) -> str:
    shown = ("…" if skip else "") + told[skip:]
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
