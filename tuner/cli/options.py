"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tuner.errors import Fault, InputError


def _folder(given: Path | None) -> Path | None:
    if given is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(given)):
        cure = "name a folder of this machine; a RUN may be a URI itself, and a sweep's `storage` is one"
        raise InputError("no folder", (Fault("--runs", str(given), cure),))
    return given


Runs = Annotated[Path, typer.Option("--runs", callback=_folder, help="Folder of the run directories.")]
RunsOrStorage = Annotated[
    Path | None,
    typer.Option("--runs", callback=_folder, help="Folder of the run directories; left out: `storage`, else `runs`."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the sweep file, such as search.trials=20."),
]
SweepOrTrial = Annotated[str, typer.Argument(metavar="SWEEP|RUN/TRIAL", help="A sweep, or a trial of a run.")]
Config = Annotated[list[str] | None, typer.Option("--config", metavar="NAME=VALUE", help="A parameter's value.")]
Trials = Annotated[int | None, typer.Option("--trials", help="Short for --set search.trials=N.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the data; short for --set data.dir=DIR.")]
Address = Annotated[
    str | None,
    typer.Option(help="Ray's address; `none`: in this process, without Ray. Left out: a Ray of its own, here."),
]
Cpus = Annotated[int | None, typer.Option(help="CPUs that a Ray of its own may use; left out: all.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, alone, on standard output.")]


def pairs(words: list[str] | None, flag: str) -> dict[str, str]:
    """`["lr=0.1"]` as a dictionary; raises InputError naming every word without `=`."""
    faults = [
        Fault(flag, word, "write NAME=VALUE, such as lr=0.003")
        for word in words or []
        if not word.partition("=")[0].strip() or "=" not in word
    ]
    if faults:
        raise InputError("the command line", tuple(faults))
    return {name.strip(): value for name, _, value in (word.partition("=") for word in words or [])}


@dataclass(frozen=True)
class Changes:
    """What the command line changes in a sweep file."""

    values: dict[str, str]
    """Path -> text."""
    flags: dict[str, str]
    """Path -> the flag as it was typed, where that was not `--set`."""


def changes(
    settings: list[str] | None,
    *,
    trials: int | None = None,
    data: Path | None = None,
    concurrency: int | None = None,
) -> Changes:
    """`--set` and its short forms together; a short form wins over `--set` of the same path."""
    values, flags = pairs(settings, "--set"), {}
    short = {
        "search.trials": ("--trials", trials),
        "data.dir": ("--data", data),
        "search.concurrency": ("--concurrency", concurrency),
    }
    for path, (flag, value) in short.items():
        if value is not None:
            values[path], flags[path] = str(value), flag
    return Changes(values, flags)
