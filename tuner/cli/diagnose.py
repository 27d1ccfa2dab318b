"""`tuner diagnose FILE…`: any loss curve, from anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Files or folders of logs, mlflow:RUN_OR_EXPERIMENT, or runs of ours."),
    ],
    runs: Runs = Path("runs"),
    uri: Annotated[
        str | None,
        typer.Option(help="MLflow's store; left out: MLFLOW_TRACKING_URI, or the one beside the runs folder."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Draw the curves, findings marked, as one HTML file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with each curve, with the evidence and the remedy."""
    from tuner.api.curves import histories_of
    from tuner.diagnosis import diagnose

    histories = [history for name in files for history in histories_of(name, runs, uri)]
    diagnoses = diagnose(histories)
    if plot is not None:
        from tuner.api.curves import write_page

        write_page(histories, diagnoses, plot)
        sys.stderr.write(f"drawn: {plot}\n")
    if as_json:
        print(json.dumps({"histories": [diagnosis.to_json() for diagnosis in diagnoses]}, allow_nan=False))
        return
    from tuner.report.terminal import print_diagnoses

    print_diagnoses(histories, diagnoses)
