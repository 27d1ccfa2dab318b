"""Which Python files of a folder a sweep's own code consists of: what it names, and what that imports from there.

Read from the source, nothing is imported. A package goes whole (its `.py` files), since packages often load their
modules by name; of a folder without `__init__.py`, and of single modules, only what is imported. What is imported from
elsewhere (site-packages) is the cluster's business, or a requirements file's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError

NEVER = (".git", ".hg", ".svn", ".venv", "venv", ".tox", "__pycache__", "node_modules", "runs", "mlruns", "mlartifacts")
"""Folders that never go along, wherever they are; those that begin with a dot neither."""
_NAMED = re.compile(r"^([A-Za-z_][\w.]*):[A-Za-z_][\w.]*$")
_INSTALLED = ("tuner",)
"""Is on the cluster in any case, at the same version; a checkout of it in the folder stays here."""


def named_modules(tree: Any) -> set[str]:
    """`my_package.nets` for every `my_package.nets:build` among the values and keys of a sweep file's tree."""
    if isinstance(tree, str):
        match = _NAMED.match(tree)
        return {match.group(1)} if match else set()
    if isinstance(tree, Mapping):
        return set().union(*map(named_modules, tree), *map(named_modules, tree.values()))
    if isinstance(tree, Iterable):
        return set().union(*map(named_modules, tree))
    return set()


def files_of(modules: Iterable[str], root: Path) -> set[Path]:
    """All files below `root` that these modules need, as paths relative to it. Raises InputError for faulty source."""
    found: set[Path] = set()
    ahead = [path for module in modules for path in _files(module, root)]
    while ahead:
        path = ahead.pop()
        if path in found:
            continue
        found.add(path)
        for module in _imports(root / path, _package_of(path)):
            ahead += _files(module, root)
    return found


def _files(module: str, root: Path) -> list[Path]:
    """The files that `import a.b.c` runs or may run, below `root`; none for a module that is not there."""
    parts = module.split(".")
    if parts[0] in _INSTALLED:
        return []
    if (root / parts[0] / "__init__.py").is_file():
        return [path.relative_to(root) for path in _sources(root / parts[0])]
    found = []
    for length in range(1, len(parts) + 1):
        place = Path(*parts[:length])
        found += [path for path in (place.with_suffix(".py"), place / "__init__.py") if (root / path).is_file()]
    return found


def leads_back(folder: Path, around: tuple[Path, ...]) -> bool:
    """Whether this is a link to a folder that it lies in, or that links led through: following it would never end.

    `around`: the folders on the way here, links resolved.
    """
    return folder.is_symlink() and any(one.is_relative_to(folder.resolve()) for one in around)


def _sources(folder: Path, around: tuple[Path, ...] = ()) -> Iterator[Path]:
    around = (*around, folder.resolve())
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in NEVER and not path.name.startswith(".") and not leads_back(path, around):
                yield from _sources(path, around)
        elif path.suffix == ".py":
            yield path


def _package_of(path: Path) -> tuple[str, ...]:
    """What a relative import in this file is relative to."""
    return path.parent.parts


def _imports(path: Path, package: tuple[str, ...]) -> Iterator[str]:
    """The full names of all modules that a file imports, in functions too, and by `import_module` with a plain name."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        fault = Fault(str(path), None, f"is not Python that can be read: {error}", line)
        raise InputError("a module of the sweep cannot be read", (fault,)) from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *((node.module,) if node.module else ())))
            if base:
                yield base
            yield from (f"{base}.{name.name}" if base else name.name for name in node.names if name.name != "*")
        elif isinstance(node, ast.Call) and _is_import_module(node.func) and node.args:
            word = node.args[0]
            if isinstance(word, ast.Constant) and isinstance(word.value, str) and not word.value.startswith("."):
                yield word.value


def _is_import_module(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    return name in ("import_module", "__import__")
