"""Small sweeps on the digits, really trained in one process, and what is found on them as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import tuner
from tuner.records.finding import Finding

FIXED = {"width": 32, "depth": 1, "optimizer": {"sgd": {"momentum": 0.9}}, "batch_size": 32}
ASHA = {"asha": {"grace": 1, "eta": 3}}


def trained(
    folder: Path,
    space: dict[str, Any],
    epochs: int,
    trials: int = 16,
    *,
    fixed: Mapping[str, Any] = FIXED,
    limit: int = 900,
    metric: Any = "val_loss",
    seed: int = 3,
    **search: Any,
) -> dict[str, Finding]:
    """The findings of a random sweep of small networks on the digits; each trains to its end unless `search` prunes."""
    sweep = {
        "name": "planted",
        "task": "digits",
        "model": "mlp",
        "data": {"limit": limit},
        "metric": metric,
        "space": space,
        "fixed": {name: value for name, value in fixed.items() if name not in space},
        "search": {
            "algorithm": "random",
            "scheduler": "none",
            "trials": trials,
            "max_epochs": epochs,
            "doomed": False,
        }
        | search,
        "seed": seed,
    }
    folder.mkdir(exist_ok=True)
    path = folder / "planted.yaml"
    path.write_text(yaml.safe_dump(sweep, sort_keys=False))
    result = tuner.run(path, address="none", track=False, runs=folder / "runs")
    assert result.status == "finished"
    return {finding.symptom: finding for finding in result.findings}


def rates(low: float, high: float) -> dict[str, Any]:
    return {"lr": {"float": [low, high], "log": True}}
