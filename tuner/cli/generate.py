"""`tuner generate RUN`: text by the network that a run has trained on text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run directory, its name, or a folder made by tuner export.")
    ],
    length: Annotated[int, typer.Option(help="Characters to write.")] = 500,
    temperature: Annotated[
        float, typer.Option(help="0: the likeliest character each time; 1: as learnt; above: wilder.")
    ] = 0.8,
    prompt: Annotated[str, typer.Option(help="What the text begins with.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed writes the same text.")] = 0,
    trial: Annotated[str | None, typer.Option(help="Such as 0017; left out: the best one.")] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write text, a character at a time, with the best trial's network."""
    from tuner.api.generate import generate

    written = generate(run, runs=runs, trial=trial, prompt=prompt, length=length, temperature=temperature, seed=seed)
    print(json.dumps(written.to_json(), indent=1) if as_json else written)
