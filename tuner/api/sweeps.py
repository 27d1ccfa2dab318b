"""Finding and reading sweep files: by path, or a shipped one by its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import tuner.records
from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep, read_sweep
from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import inspect_builder


def shipped_folder() -> Path:
    """Where the ready sweep files lie: inside the installed package, or beside it in a checkout."""
    package = Path(tuner.records.__file__).parent.parent
    installed = package / "search_spaces"
    return installed if installed.is_dir() else package.parent / "search_spaces"


def load_sweep(
    source: str | Path,
    overrides: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Sweep:
    """Read a sweep file with its overrides. Raises SweepFileError with all that is to mend.

    `flags`: path -> the flag that overrode it, where that was not `--set`.
    """
    return read_sweep(
        source,
        catalogue=CATALOGUE,
        overrides=overrides or {},
        environment=os.environ if environ is None else environ,
        shipped=shipped_folder(),
        inspect=partial(inspect_builder, folder=os.getcwd()),  # noqa: PTH109
        flags=flags or {},
    )


def load_resolved(
    directory: RunDirectory, overrides: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> Sweep:
    """The sweep of a run, as it was resolved when it began: the environment of today changes nothing in it."""
    return load_sweep(directory.sweep, overrides, flags, environ={})
