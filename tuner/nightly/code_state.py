"""Which code a night ran: the commit, and a hash of each file that differs from it.

Contents are hashed, never the text of a diff: that one changes with a person's settings of git.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tuner.api.environment import ask_git
from tuner.space import Choice, Constant
from tuner.sweep import Sweep

MOST_FILES = 50
"""Files that are named in a record; all of them are in its hash."""
_DIGITS = 12
"""Hexadecimal digits of a file's hash that are kept."""


def code_state(folder: Path, names: Sequence[str] = ()) -> dict[str, Any] | None:
    """`commit`, `dirty`, `diff` (a hash of all that differs from the commit, untracked Python files among it) and
    `files`: path -> hash of what differs.

    `names`: what the sweep names of the user's own, `my_package.nets:build`. Where git does not know these modules
    (no repository, or ignored there), their Python files are hashed. None where there is neither.
    """
    top = ask_git(folder, "rev-parse", "--show-toplevel")
    commit = ask_git(folder, "rev-parse", "HEAD") if top is not None else None
    own = {path.relative_to(folder).as_posix(): path for path in module_files(folder, names)}
    if top is None or commit is None:
        return _state(None, own) if own else None
    root = Path(top.removesuffix("\n"))
    changed = _listed(ask_git(folder, "diff", "HEAD", "--name-only", "--no-relative", "-z"))
    new = _listed(ask_git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/*.py"))
    differing = {name: root / name for name in (*changed, *new)}
    if own:
        ignored = _listed(
            ask_git(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *sorted(own))
        )
        differing |= {name: own[name] for name in ignored if name in own}
    return _state(commit.strip(), differing)


def own_names(sweep: Sweep) -> tuple[str, ...]:
    """What the sweep names of the user's own code: task, loop, models and losses, those that the space holds too."""
    named = [sweep.task, sweep.loop, sweep.model, *sweep.fixed.values()]
    for item in sweep.space.parameters:
        if isinstance(item.domain, Choice):
            named += item.domain.options
        elif isinstance(item.domain, Constant):
            named.append(item.domain.value)
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and ":" in name))


def module_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """Python files of the modules that are named, as `python` run in `folder` would find them.

    Of a package all of its files; of a module that stands alone also those beside it, which it may import.
    """
    found: set[Path] = set()
    for name in names:
        first = name.partition(":")[0].partition(".")[0]
        if not first.isidentifier():
            continue
        if (folder / first).is_dir():
            found.update((folder / first).rglob("*.py"))
        elif (folder / f"{first}.py").is_file():
            found.update(folder.glob("*.py"))
    return sorted(path for path in found if path.is_file())


def _state(commit: str | None, differing: dict[str, Path]) -> dict[str, Any]:
    files = {name: file_hash(path) for name, path in sorted(differing.items())}
    whole = hashlib.sha256("\0".join(f"{name}\0{told}" for name, told in files.items()).encode())
    return {
        "commit": commit,
        "dirty": commit is not None and bool(files),
        "diff": whole.hexdigest()[:16] if files else "",
        "files": dict(list(files.items())[:MOST_FILES]),
    }


def file_hash(path: Path) -> str:
    """Of its content; a link's is where it leads, a submodule's its commit, and `deleted` where nothing is there."""
    try:
        if path.is_symlink():
            return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()[:_DIGITS]
        if path.is_dir():
            return (ask_git(path, "rev-parse", "HEAD") or "a folder").strip()[:_DIGITS]
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    except FileNotFoundError:
        return "deleted"
    except OSError:
        return "unreadable"


def _listed(answer: str | None) -> list[str]:
    return [name for name in (answer or "").split("\0") if name]
