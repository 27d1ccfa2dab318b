"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.errors import Fault, InputError

Runs = Annotated[Path, typer.Option("--runs", help="Folder of the run directories.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the sweep file, such as search.trials=20."),
]
Trials = Annotated[int | None, typer.Option("--trials", help="Short for --set search.trials=N.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the data; short for --set data.dir=DIR.")]
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


def overrides(settings: list[str] | None, *, trials: int | None = None, data: Path | None = None) -> dict[str, str]:
    changes = pairs(settings, "--set")
    if trials is not None:
        changes["search.trials"] = str(trials)
    if data is not None:
        changes["data.dir"] = str(data)
    return changes
