"""`tuner check SWEEP`: every fault of the file at once, or the plan that `run` would start."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tuner.cli.options import Data, Json, Set, Trials, changes


def command(
    sweep: Annotated[str, typer.Argument(help="A sweep file, or the name of a shipped one.")],
    trials: Trials = None,
    settings: Set = None,
    data: Data = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="One batch through the smallest and the largest model: time and memory.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a sweep file and print what it would do; touches no cluster and writes no file."""
    from tuner.api.plan import describe
    from tuner.api.sweeps import load_sweep

    given = changes(settings, trials=trials, data=data)
    loaded = load_sweep(sweep, given.values, given.flags)
    measured = []
    if measure:
        from tuner.api.one import measure_sweep

        measured = measure_sweep(loaded)
    if as_json:
        print(json.dumps({"sweep": loaded.name, "faults": [], "measured": [asdict(item) for item in measured]}))
        return
    print(describe(loaded))
    for item in measured:
        print(item)
