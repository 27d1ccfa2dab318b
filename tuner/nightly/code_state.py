"""Which code a night ran: the commit, and a hash of each file that differs from it.

Contents are hashed, never the text of a diff: that one changes with a person's settings of git.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sysconfig
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
    """`commit`; `dirty`, and `files`: path -> hash of what differs from it, untracked Python files among it; `modules`:
    the same of all files of the user's modules that this repository does not know; `diff`, a hash of both.

    `names`: what the sweep names of the user's own, `my_package.nets:build`. Their modules are hashed where there is no
    repository, where it ignores them, and where they lie outside of it. None where there is nothing of all this.
    """
    top = ask_git(folder, "rev-parse", "--show-toplevel")
    commit = ask_git(folder, "rev-parse", "HEAD") if top is not None else None
    own = module_files(folder, names)
    if top is None or commit is None:
        return _state(None, {}, own) if own else None
    root = Path(top.removesuffix("\n"))
    changed = _listed(ask_git(folder, "diff", "HEAD", "--name-only", "--no-relative", "-z"))
    new = _listed(ask_git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/*.py"))
    differing = {name: root / name for name in (*changed, *new)}
    if own:
        own = _unknown(folder, root, own)
    return _state(commit.strip(), differing, own)


def _unknown(folder: Path, root: Path, own: dict[str, Path]) -> dict[str, Path]:
    """Those that the repository ignores, or that lie outside of it."""
    real = root.resolve()
    inside = {name: path for name, path in own.items() if path.resolve().is_relative_to(real)}
    words = ("ls-files", "--others", "--ignored", "--exclude-standard", "--full-name", "-z", "--")
    ignored = {real / name for name in _listed(ask_git(folder, *words, *map(str, inside.values())))}
    return {name: path for name, path in own.items() if name not in inside or path.resolve() in ignored}


def own_names(sweep: Sweep) -> tuple[str, ...]:
    """What the sweep names of the user's own code: task, loop, models and losses, those that the space holds too."""
    named = [sweep.task, sweep.loop, sweep.model, *sweep.fixed.values()]
    for item in sweep.space.parameters:
        if isinstance(item.domain, Choice):
            named += item.domain.options
        elif isinstance(item.domain, Constant):
            named.append(item.domain.value)
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and ":" in name))


def module_files(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Python files of the modules that are named, as `python` run in `folder` would find them: name -> where it lies.

    Of a package all of its files; of a module that stands alone also those beside it, which it may import. What was
    installed is left out: its version says what it is.
    """
    found: dict[str, Path] = {}
    for name in names:
        first = name.partition(":")[0].partition(".")[0]
        place = _place(first, folder) if first.isidentifier() else None
        if place is not None:
            paths = sorted(place.rglob("*.py")) if place.is_dir() else sorted(place.parent.glob("*.py"))
            found |= {path.relative_to(place.parent).as_posix(): path for path in paths if path.is_file()}
    return found


def _place(module: str, folder: Path) -> Path | None:
    """Folder of a package or file of a module that stands alone. Nothing is imported."""
    for path in (folder / module, folder / f"{module}.py"):
        if path.exists():
            return path
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # ValueError: a module that is loaded and does not say from where
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin)
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    if any(file.is_relative_to(place) for place in installed):
        return None
    return file.parent if file.name == "__init__.py" else file


def _state(commit: str | None, differing: dict[str, Path], own: dict[str, Path]) -> dict[str, Any]:
    files, modules = ({name: file_hash(path) for name, path in sorted(one.items())} for one in (differing, own))
    rows = [f"{name}\0{told}" for one in (files, modules) for name, told in one.items()]
    return {
        "commit": commit,
        "dirty": bool(files),
        "diff": hashlib.sha256("\0".join(rows).encode("utf-8", errors="replace")).hexdigest()[:16] if rows else "",
        "files": dict(list(files.items())[:MOST_FILES]),
        "modules": dict(list(modules.items())[:MOST_FILES]),
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
