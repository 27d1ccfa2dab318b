"""`tuner diagnose FILE…`: any loss curve, from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="History files, or runs of ours.")],
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say what is wrong with each curve, with the evidence and the remedy."""
    from tuner.api.curves import histories_of
    from tuner.diagnosis import diagnose

    histories = [history for name in files for history in histories_of(name, runs)]
    diagnoses = diagnose(histories)
    if as_json:
        print(json.dumps({"histories": [diagnosis.to_json() for diagnosis in diagnoses]}, allow_nan=False))
        return
    from tuner.report.terminal import print_diagnoses

    print_diagnoses(histories, diagnoses)
