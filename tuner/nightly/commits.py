"""What lies between the code of two nights, a line a commit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.api.differing import short
from tuner.api.environment import ask_git, mask_addresses

MOST = 20
"""Lines of commits; how many more there are is said."""
_FORMAT = "%H%x00%s%x00%an"
_ID = re.compile(r"[0-9a-f]{7,64}")
_LONGEST = 120
"""Characters of one commit's title."""

Code = Mapping[str, Any]


def code_details(old: Code | None, new: Code | None, folder: Path) -> tuple[str, ...]:
    """Newest first: commits that are new, commits that are gone again, then files that differ from the commit."""
    before, after = (old or {}).get("commit"), (new or {}).get("commit")
    rows: list[str] = []
    if before and after and before != after:
        rows += commits_between(str(before), str(after), folder)
    elif not before and after:
        rows.append("the last good night ran outside a repository")
    elif before and not after:
        rows.append("tonight's code is in no repository that git can read")
    return (*rows, *_edits(old or {}, new or {}, same_commit=before == after))


def commits_between(old: str, new: str, folder: Path) -> list[str]:
    """`1a2b3c4 Halve the learning rate (Ada)`; commits of before that `new` does not have are `without ...`."""
    for commit in (old, new):
        if not _ID.fullmatch(commit) or ask_git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is None:
            return [
                f"commit {short(commit)} is not in this clone, so its commits cannot be listed: a shallow clone, "
                "or its history was rewritten"
            ]
    gone = _log(old, new, folder, "without ")
    return _log(new, old, folder, "") + gone


def _log(of: str, without: str, folder: Path, start: str) -> list[str]:
    span = f"{without}..{of}"
    told = ask_git(
        folder, "log", "--no-color", "--no-show-signature", f"--max-count={MOST}", f"--format={_FORMAT}", span
    )
    rows = []
    for row in (told or "").split("\n"):
        commit, mark, rest = row.partition("\0")
        if mark:
            title, _, author = rest.rpartition("\0")
            rows.append(f"{start}{short(commit)} {_plain(title)} ({_plain(author)})")
    count = int(ask_git(folder, "rev-list", "--count", span) or len(rows))
    return [*rows, f"{start}{count - len(rows)} more"] if count > len(rows) else rows


def _plain(text: str) -> str:
    """One line without control characters, addresses without their passwords."""
    line = " ".join("".join(c if c.isprintable() else " " for c in mask_addresses(text)).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _edits(old: Code, new: Code, *, same_commit: bool) -> list[str]:
    """Files that differ from the commit tonight otherwise than they did then; and those of modules outside of it."""
    rows = []
    edited, undone = _differing(old.get("files"), new.get("files"), anew=not same_commit)
    if edited:
        rows.append(f"edited and not committed: {_names(edited)}")
    if undone:
        rows.append(f"no longer edited: {_names(undone)}")
    edited, undone = _differing(old.get("modules"), new.get("modules"), anew=False)
    if edited:
        rows.append(f"edited outside of git: {_names(edited)}")
    if undone:
        rows.append(f"no longer there, outside of git: {_names(undone)}")
    if not rows and old.get("diff") != new.get("diff"):
        rows.append("other edits among the many that are not committed")
    return rows


def _differing(old: Any, new: Any, *, anew: bool) -> tuple[list[str], list[str]]:
    """(Otherwise than before, no longer there); `anew`: all that there is tonight counts as otherwise."""
    before, after = dict(old or {}), dict(new or {})
    return [name for name, told in after.items() if anew or before.get(name) != told], [
        n for n in before if n not in after
    ]


def _names(files: list[str]) -> str:
    shown = ", ".join(map(_plain, files[:MOST]))
    return f"{shown} and {len(files) - MOST} more" if len(files) > MOST else shown
