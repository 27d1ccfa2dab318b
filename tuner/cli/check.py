"""`tuner check SWEEP`: every fault of the file at once, or the plan that `run` would start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.cli.options import Data, Json, Set, Trials, changes

if TYPE_CHECKING:
    from tuner.sweep import Sweep


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
    if as_json:
        print(json.dumps(_as_json(loaded, measure), indent=1))
        return
    print(describe(loaded))
    if measure:
        from tuner.api.price import price, price_text

        print(price_text(price(loaded)))


def _as_json(loaded: Sweep, measure: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from tuner.sweep.dump import as_mapping

    out: dict[str, Any] = {"sweep": as_mapping(loaded), "notes": list(loaded.notes)}
    if measure:
        from tuner.api.price import price

        out["price"] = asdict(price(loaded))
    return out
