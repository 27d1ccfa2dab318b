"""`tuner export RUN`: a trained network to take away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or its name under the runs folder.")],
    trial: Annotated[str | None, typer.Option(help="Such as 0017; left out: the best one.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder; left out: RUN-TRIAL, here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there.")] = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write a trial's weights (safetensors) and configuration into a folder; `tuner.load(FOLDER)` loads them."""
    from tuner.api.export import export_run

    exported = export_run(run, runs=runs, trial=trial, out=out, force=force)
    print(json.dumps(exported.to_json(), indent=1) if as_json else exported)
