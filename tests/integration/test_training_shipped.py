"""Every sweep file in `search_spaces/` trains: a short trial of each kind that its space holds, on real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuner.records.epochs import Assignment, Report
from tuner.records.run_directory import RunDirectory
from tuner.sweep import read_sweep
from tuner.training.catalogue import CATALOGUE
from tuner.training.data import Splits, load_splits, raw
from tuner.training.loaded import load_weights
from tuner.training.plan import TrainingPlan
from tuner.training.run_one import train_one

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "search_spaces").glob("*.yaml"))


def test_there_are_sweeps_to_try() -> None:
    assert {"digits_mlp.yaml", "digits_cnn.yaml", "fashion_mnist.yaml"} <= {path.name for path in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_sweep_trains(path: Path, tmp_path: Path) -> None:
    overrides = {"search.max_epochs": "2", "data.limit": "600"}
    if path.stem.startswith(("autoencoder", "char", "housing", "segmentation")) or "fashion" in path.stem:
        overrides["data.dir"] = str(ROOT / "tests" / "data")
    if path.stem == "autoencoder_classifier":
        overrides["space.weights"] = "{choice: [none]}"  # those of another run: tests/unit/test_training_autoencoder.py
    sweep = read_sweep(path, catalogue=CATALOGUE, overrides=overrides)
    plan = TrainingPlan.from_sweep(sweep, RunDirectory(tmp_path))
    splits = load_splits(plan)
    rng = np.random.default_rng(0)
    configs = {str(config.get("model")): config for config in (sweep.space.sample(rng) for _ in range(30))}
    for number, config in enumerate(configs.values()):
        reports: list[Report] = []
        last = train_one(plan, splits, Assignment(f"{number:04d}", 1, config, number, 2), reports.append)
        assert isinstance(last, Report), last
        assert [report.epoch.epoch for report in reports] == [1, 2]
        assert np.isfinite(last.epoch.metrics[sweep.metric.name])
        loaded = load_weights(tmp_path / "checkpoints" / f"{number:04d}" / "best.safetensors")
        assert isinstance(splits, Splits)
        x = splits.val_x[:3]
        x = raw(x, splits) if splits.standardised else x
        found = loaded.predict(x)
        assert len(found) == len(x)
        assert np.isfinite(found).all()


def test_the_plan_of_a_sweep_holds_what_its_file_says(tmp_path: Path) -> None:
    given = {"seed": "3", "metric": "{name: val_accuracy, mode: max}", "checkpoints.every": "2", "resources.cpu": "2"}
    sweep = read_sweep(ROOT / "search_spaces" / "digits_cnn.yaml", catalogue=CATALOGUE, overrides=given)
    plan = TrainingPlan.from_sweep(sweep, RunDirectory(tmp_path))
    assert (plan.task, plan.model, plan.loop, plan.max_epochs) == ("digits", "cnn", None, 27)
    assert (plan.metric, plan.mode, plan.seed, plan.every, plan.cpu, plan.gpu) == ("val_accuracy", "max", 3, 2, 2, 0.0)
    assert plan.settings({"lr": 0.1}) == {"optimizer": "adamw", "schedule": "cosine", "lr": 0.1}
    assert plan.checkpoints_dir == str(tmp_path / "checkpoints")
    assert (plan.better(0.9, 0.8), plan.better(0.7, 0.8), plan.better(float("nan"), None)) == (True, False, False)
