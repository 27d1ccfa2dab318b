"""Finding and reading sweep files: by path, or a shipped one by its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import tuner.records
from tuner.errors import Fault, InputError
from tuner.records.run_directory import RunDirectory
from tuner.records.storage import is_uri
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


def runs_folder(given: str | Path | None, sweep: Sweep | None = None) -> Path:
    """Where run directories lie on this machine: the folder that was named, else the sweep's, else `runs`.

    Raises InputError for a URI: runs are kept there by `storage`, and worked on in a folder.
    """
    if given is not None and is_uri(str(given)):
        cure = "name a folder of this machine here, and the URI in the sweep file: `storage: URI`, or --set storage=URI"
        raise InputError("no folder", (Fault("runs", str(given), cure),))
    if given is not None:
        return Path(given)
    named = None if sweep is None else sweep.storage
    return Path("runs") if named is None or is_uri(named) else Path(named).expanduser()


def load_resolved(
    directory: RunDirectory, overrides: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> Sweep:
    """The sweep of a run, as it was resolved when it began: the environment of today changes nothing in it."""
    return load_sweep(directory.sweep, overrides, flags, environ={})


def load_recorded(directory: RunDirectory) -> Sweep:
    """The same for who trains nothing with it: the modules of a user's own need not be here, and are not looked at."""
    return read_sweep(directory.sweep, catalogue=CATALOGUE, shipped=shipped_folder())
