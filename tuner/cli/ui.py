"""`tuner ui`: the MLflow UI on the same store."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Runs


def command(
    runs: Runs = Path("runs"),
    uri: Annotated[str | None, typer.Option(help="MLflow's store; left out: the one beside the runs folder.")] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Start the MLflow UI on the store that sweeps write to; Ctrl-C ends it."""
    from tuner import tracking
    from tuner.tracking.ui import serve

    sys.exit(serve(uri or os.environ.get("MLFLOW_TRACKING_URI") or tracking.default_uri(runs), port))
