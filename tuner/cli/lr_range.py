"""`tuner lr-range SWEEP`: which learning rates train a configuration, in a few hundred iterations."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Config, Data, Json, Runs, Set, SweepOrTrial, changes, pairs


def command(
    what: SweepOrTrial,
    config: Config = None,
    low: Annotated[float, typer.Option("--from", help="The rate that the ramp starts at.")] = 1e-7,
    high: Annotated[float, typer.Option("--to", help="The rate that the ramp ends at.")] = 10.0,
    iterations: Annotated[int, typer.Option("--iterations", help="Of the ramp, and at each rate after it.")] = 100,
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings of which the median is taken.")] = 3,
    settings: Set = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Find the learning rate that drops the loss within some iterations, and the range worth searching."""
    from tuner.api.lr_range import lr_range
    from tuner.api.lr_range_text import lr_range_text

    given = changes(settings, data=data)
    found = lr_range(
        what,
        config=pairs(config, "--config"),
        overrides=given.values,
        flags=given.flags,
        runs=runs,
        low=low,
        high=high,
        iterations=iterations,
        seeds=seeds,
        say=lambda text: print(text, file=sys.stderr),
    )
    print(json.dumps(found.to_json(), indent=1, allow_nan=False) if as_json else lr_range_text(found))
