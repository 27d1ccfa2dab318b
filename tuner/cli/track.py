"""`tuner track RUN`: bring MLflow up to a run's journal."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Runs


class Curves(StrEnum):
    all = "all"
    top = "top"
    none = "none"


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or its name under the runs folder.")],
    uri: Annotated[str | None, typer.Option(help="MLflow's address; left out: the run's own.")] = None,
    experiment: Annotated[str | None, typer.Option(help="The experiment's name; left out: the run's own.")] = None,
    curves: Annotated[
        Curves | None, typer.Option(help="Whose metrics are written epoch by epoch; left out: as the sweep says.")
    ] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write to MLflow what has not arrived there; safe to call again and again."""
    from tuner.api.one import track_run

    parent = track_run(run, runs, uri=uri, experiment=experiment, curves=curves and curves.value)
    print(f"MLflow has it all: parent run {parent}")
