"""Who calls well-tuned real runs overfitting? Ours and the rivals' word on the histories of the DeepOBS benchmark.

Well-tuned: the learning rate of each problem and optimizer that was repeated with ten seeds. Of these, the 30 runs of
`fmnist_2c2d` do overfit (validation rises by more than half); the others do not.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rivals import Rival, Shown

from tuner.diagnosis import diagnose
from tuner.records.history import History

FILE = Path("curves") / "deepobs.json.gz"
OVERFITS = "fmnist_2c2d"

Run = dict[str, Any]


def load(folder: Path | None = None) -> list[Run] | None:
    """`folder`: as TUNER_DATA names it. None where it does not hold the file."""
    path = (folder or Path(os.environ.get("TUNER_DATA", ""))) / FILE
    return json.loads(gzip.decompress(path.read_bytes())) if path.is_file() else None


def well_tuned(runs: list[Run]) -> list[Run]:
    seeds = Counter((run["problem"], run["optimizer"], run["lr"]) for run in runs)
    return [run for run in runs if seeds[run["problem"], run["optimizer"], run["lr"]] == 10]


def curves(run: Run) -> dict[str, np.ndarray]:
    """The first value of each is the untrained network's."""
    return {
        name: np.array([np.nan if value is None else value for value in run[name]])
        for name in ("train_loss", "val_loss")
    }


def shown(run: Run) -> Shown:
    both = curves(run)
    epochs = np.arange(len(both["train_loss"]))
    return Shown(epochs, both["train_loss"], epochs, both["val_loss"])


def figures(runs: list[Run], rivals: dict[str, Rival]) -> dict[str, Any]:
    """How many of either kind are called overfitting, by any finding or word, and by whom."""
    tuned = well_tuned(runs)
    overfits = np.array([run["problem"] == OVERFITS for run in tuned])
    histories = [History(run["id"], curves(run), np.arange(len(run["train_loss"]))) for run in tuned]
    said = {"tuner": [any(f.symptom == "overfitting" for f in d.findings) for d in diagnose(histories)]}
    for name, rival in rivals.items():
        said[name] = [any("overfitting" in word for word in rival(shown(run))) for run in tuned]
    return {
        "well_tuned": int((~overfits).sum()),
        "overfitting": int(overfits.sum()),
        "called": {
            name: {
                "well_tuned": int((np.array(yes) & ~overfits).sum()),
                "overfitting": int((np.array(yes) & overfits).sum()),
            }
            for name, yes in said.items()
        },
    }


def table(found: dict[str, Any]) -> str:
    tuned, overfits = found["well_tuned"], found["overfitting"]
    rows = [f"\nDeepOBS, called overfitting   of {tuned} well-tuned   of {overfits} that overfit"]
    for name, called in found["called"].items():
        rows.append(
            f"{name:28s} {called['well_tuned']:6d} {called['well_tuned'] / tuned:8.1%} {called['overfitting']:10d}"
        )
    return "\n".join(rows)
