"""`tuner next RUN -o FILE`: the next sweep file, made of what this one showed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs
from tuner.errors import Fault, InputError


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or its name.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it; left out: standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE where there is one.")] = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write the next sweep file: bounds, epochs and fixed parameters changed by the findings, each with its reason."""
    from tuner.api.next import next_sweep
    from tuner.records.run_directory import write_atomically

    if output is not None and output.exists() and not force:
        raise InputError("tuner next", (Fault("-o", str(output), "is there already: name another, or add --force"),))
    made = next_sweep(run, runs)
    if output is not None:
        try:
            write_atomically(output, made.text)
        except OSError as error:
            raise InputError("tuner next", (Fault("-o", str(output), f"cannot be written: {error}"),)) from error
    if as_json:
        print(json.dumps(made.to_json() | {"file": None if output is None else str(output)}, allow_nan=False))
        return
    if output is None:
        print(made.text, end="")
        return
    for change in made.changes:
        sys.stderr.write(f"{change.path}: {change.because}\n")
    for change, why in made.dropped:
        sys.stderr.write(f"{change.path} stays as it is: {why}\n")
    for note in made.notes:
        sys.stderr.write(f"{note}\n")
    print(f"tuner run {output}")
