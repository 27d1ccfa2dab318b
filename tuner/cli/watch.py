"""`tuner watch RUN`: the live table of a sweep, from another terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Json, Runs


def command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run, its name, or the directory of one that is about to begin.")
    ],
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Show a sweep that runs elsewhere until it ends; Ctrl-C leaves it alone (exit code 130)."""
    from tuner.report.live import display
    from tuner.report.watching import DIED, run_to_watch, watch

    directory = run_to_watch(run, runs)
    view = display()

    def waiting() -> None:
        sys.stderr.write(f"{directory.path} has not begun: waiting for it (Ctrl-C leaves)\n")

    try:
        outcome = watch(directory, view, waiting=waiting)
    except KeyboardInterrupt:
        view.close()
        sys.stderr.write("no longer watching; the sweep goes on\n")
        raise typer.Exit(130) from None
    finally:
        view.close()
    from tuner.report.summary import summary  # numpy among the rest: after the view
    from tuner.report.terminal import print_final

    record = directory.record()
    if as_json:
        print(json.dumps(summary(record, None), indent=1))
    else:
        died = replace(record, status="stopped", reason="its driver died")
        print_final(died if outcome == DIED else record, directory)
    if outcome == DIED:
        sys.stderr.write(f"{run}: its driver died: `tuner run --resume {directory.name}` goes on with it\n")
        raise typer.Exit(3)
