"""`tuner train SWEEP --config lr=0.003`, `tuner train RUN/0017`: one configuration, in this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tuner.cli.options import Config, Data, Json, Runs, Set, SweepOrTrial, changes, pairs


def command(
    what: SweepOrTrial,
    config: Config = None,
    settings: Set = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train one configuration here, without Ray, MLflow or a run directory: for pdb and for people."""
    from tuner.api.one import train_one

    given = changes(settings, data=data)
    trained = train_one(
        what,
        config=pairs(config, "--config"),
        overrides=given.values,
        flags=given.flags,
        runs=runs,
        say=lambda text: print(text, file=sys.stderr),
    )
    if as_json:
        print(json.dumps(trained.to_json(), indent=1))
    else:
        print(trained)
