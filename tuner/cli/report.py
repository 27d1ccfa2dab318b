"""`tuner report RUN`: draw the report anew from the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or its name under the runs folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the HTML here instead.")] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Draw a run's report, running or ended: one self-contained HTML file."""
    from tuner.records.run_directory import find_run, write_atomically
    from tuner.report.html import html
    from tuner.report.summary import summary

    directory = find_run(run, runs)
    record = directory.record()
    target = out or directory.report
    sweep_yaml = directory.sweep.read_text(encoding="utf-8")
    write_atomically(target, html(record, sweep_yaml, directory.picture_files()))
    if as_json:
        print(json.dumps(summary(record, None) | {"report": str(target)}, indent=1))
    else:
        print(target)
