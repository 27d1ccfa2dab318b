"""Real, well-tuned runs of the DeepOBS benchmark: who overfits is called so, who does not is not."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.diagnosis import diagnose
from tuner.records.history import History

FILE = Path("curves/deepobs.json.gz")


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    folder = os.environ.get("TUNER_DATA")
    if not folder or not (Path(folder) / FILE).is_file():
        pytest.skip(f"TUNER_DATA names no folder with {FILE}")
    loaded: list[dict[str, Any]] = json.loads(gzip.decompress((Path(folder) / FILE).read_bytes()))
    return loaded


def history(run: dict[str, Any]) -> History:
    """The first value of each curve is the untrained network's."""
    curves = {
        name: np.array([np.nan if value is None else value for value in run[name]])
        for name in ("train_loss", "val_loss")
    }
    return History(run["id"], curves, np.arange(len(curves["train_loss"])))


def best_of_each(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The learning rate of each problem and optimizer that was repeated with ten seeds."""
    rates = Counter((run["problem"], run["optimizer"], run["lr"]) for run in runs)
    return [run for run in runs if rates[run["problem"], run["optimizer"], run["lr"]] == 10]


def test_well_tuned_runs_are_not_called_overfitting(runs: list[dict[str, Any]]) -> None:
    tuned = [run for run in best_of_each(runs) if run["problem"] != "fmnist_2c2d"]
    assert len(tuned) == 90
    verdicts = [diagnosis.verdict for diagnosis in diagnose([history(run) for run in tuned])]
    assert verdicts.count("overfitting") <= 0.03 * len(tuned)


def test_all_that_overfit_are_called_so(runs: list[dict[str, Any]]) -> None:
    tuned = [run for run in best_of_each(runs) if run["problem"] == "fmnist_2c2d"]
    assert len(tuned) == 30
    assert {diagnosis.verdict for diagnosis in diagnose([history(run) for run in tuned])} == {"overfitting"}
