"""Reads a sweep: from a file or a shipped name, from text, from a Python mapping. All its faults come at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.errors import SweepFileError
from tuner.records.catalogue import Catalogue
from tuner.sweep.overrides import apply_environment, apply_overrides
from tuner.sweep.own_model import Inspect
from tuner.sweep.resolve import resolve
from tuner.sweep.shipped import find_sweep, read_text
from tuner.sweep.sweep import Sweep
from tuner.sweep.tree import NOWHERE, Faults, Node, Place, Table, from_python, shown
from tuner.sweep.yaml12 import parse_yaml

_NONE: Mapping[str, str] = {}


def read_sweep(
    source: str | Path,
    *,
    catalogue: Catalogue,
    overrides: Mapping[str, str] = _NONE,
    environment: Mapping[str, str] = _NONE,
    shipped: Path | None = None,
    inspect: Inspect | None = None,
    flags: Mapping[str, str] = _NONE,
) -> Sweep:
    """The sweep of a file, or of the shipped one by that name in the folder `shipped`.

    `overrides`: path -> text of `--set`; `flags`: path -> the flag as it was typed, where that was another one.
    `environment`: variables that fill in what file and flags leave out. `inspect` reads the signature of a model of the
    user's own; it is called only for a file that is clean otherwise.

    Raises SweepFileError with every fault, and InputError when there is no such file.
    """
    path = find_sweep(source, shipped)
    return parse_sweep(
        read_text(path),
        path=path,
        catalogue=catalogue,
        overrides=overrides,
        environment=environment,
        inspect=inspect,
        flags=flags,
    )


def parse_sweep(
    text: str,
    *,
    path: str | Path,
    catalogue: Catalogue,
    overrides: Mapping[str, str] = _NONE,
    environment: Mapping[str, str] = _NONE,
    inspect: Inspect | None = None,
    flags: Mapping[str, str] = _NONE,
) -> Sweep:
    """As `read_sweep`, of text that was read already; `path` names it in errors."""
    faults = Faults()
    tree = parse_yaml(text, faults)
    if tree is None:
        if not faults:
            faults.add("file", None, "is empty: a sweep file has at least `task`, `model` and `space`")
        raise SweepFileError(str(path), faults.sorted())
    return _sweep(tree, str(path), catalogue, overrides, environment, inspect, flags, faults)


def sweep_from_mapping(
    data: Mapping[str, Any],
    *,
    catalogue: Catalogue,
    overrides: Mapping[str, str] = _NONE,
    environment: Mapping[str, str] = _NONE,
    inspect: Inspect | None = None,
) -> Sweep:
    """The sweep of a Python mapping with the keys of a sweep file. Raises SweepFileError with every fault."""
    faults = Faults()
    tree = from_python(data, "", faults)
    return _sweep(tree, "the sweep", catalogue, overrides, environment, inspect, _NONE, faults)


def _sweep(
    tree: Node,
    what: str,
    catalogue: Catalogue,
    overrides: Mapping[str, str],
    environment: Mapping[str, str],
    inspect: Inspect | None,
    flags: Mapping[str, str],
    faults: Faults,
) -> Sweep:
    if not isinstance(tree, Table):
        place: Place = getattr(tree, "place", NOWHERE)
        cure = "a sweep file is a mapping: `task: digits`, `space: {...}` and so on"
        faults.add("file", shown(tree), cure, place)
        raise SweepFileError(what, faults.sorted())
    tree = apply_overrides(tree, overrides, faults, flags)
    tree = apply_environment(tree, environment)
    name = Path(what).stem if what != "the sweep" else "sweep"
    sweep = resolve(tree, catalogue, faults, default_name=name, inspect=inspect)
    if sweep is None:
        raise SweepFileError(what, faults.sorted())
    return sweep
