"""`tuner nights SWEEP`: the history of a sweep's nights; with `--stale` a dead man's switch."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from tuner.cli.options import Json, RunsOrStorage, Set, pairs


def command(
    sweep: Annotated[str, typer.Argument(help="A sweep file, or the name of a shipped one.")],
    stale: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Exit code 3 when the last night ended longer ago, such as 26h, 90m or 2d."),
    ] = None,
    settings: Set = None,
    runs: RunsOrStorage = None,
    as_json: Json = False,
) -> None:
    """Show a sweep's nights: verdicts, the control, the best, what they cost."""
    from tuner.api.sweeps import load_sweep, runs_folder
    from tuner.nightly.folder import NightsFolder
    from tuner.nightly.stale import age_of, how_stale
    from tuner.report.night_text import nights_json, print_nights

    limit = None if stale is None else age_of(stale)
    loaded = load_sweep(sweep, pairs(settings, "--set"))
    folder = NightsFolder(runs_folder(runs, loaded), loaded.slug)
    nights = folder.nights()
    if as_json:
        print(json.dumps(nights_json(nights), indent=1))
    elif limit is None or nights:
        print_nights(nights)
    if limit is None:
        return
    late = how_stale(nights, limit, time.time())
    if late:
        sys.stderr.write(f"{folder.path}: {late}\n")
        sys.exit(3)
