"""`tuner compare RUN RUN...`: which is better, by more than noise or not, and what differs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    run: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Runs or their names, nights, mlflow:EXPERIMENT_OR_RUN; 2 to 10."),
    ],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page of it.")] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="By what MLflow runs are judged that do not say it.")
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option("--uri", envvar="MLFLOW_TRACKING_URI", help="MLflow store; default: mlflow.db beside the runs."),
    ] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Compare runs: the better one and how surely, bounds and settings that differ, curves, verdicts, cost."""
    from tuner.api.compare import compare
    from tuner.api.compared import Where
    from tuner.records.run_directory import write_atomically
    from tuner.report.compare_page import comparison_html
    from tuner.report.compare_text import comparison_json, print_comparison
    from tuner.tracking import default_uri

    found = compare(run, Where(runs, uri or default_uri(runs), metric))
    if html is not None:
        try:
            write_atomically(html, comparison_html(found))
        except OSError as error:
            from tuner.errors import Fault, InputError

            raise InputError("tuner compare", (Fault("--html", str(html), f"cannot be written: {error}"),)) from error
    if as_json:
        print(json.dumps(comparison_json(found), indent=1, allow_nan=False))
        return
    print_comparison(found)
    if html is not None:
        sys.stderr.write(f"{html}\n")
