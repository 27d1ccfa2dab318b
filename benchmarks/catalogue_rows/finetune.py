"""Transfer: 20 images of each of five classes, from weights that know five other classes, and from random ones."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from catalogue_row import Row, Run, flat_splits
from sklearn.neighbors import KNeighborsClassifier

from tuner.records.epochs import Assignment, Report
from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan
from tuner.training.run_one import train_one
from tuner.training.task_info import Streamed

SOURCE, FEW = "finetune_fashion_source", "finetune_fashion_few"
SEEDS = 3


def baselines(plan: TrainingPlan) -> Mapping[str, float]:
    """The cross-entropy of the class shares among the five nearest neighbours on raw pixels, one neighbour of each
    class added lest a logarithm be infinite; of at most 5,000 training images."""
    x, y, val_x, val_y = flat_splits(plan)
    near = KNeighborsClassifier(5).fit(x[:5000], y[:5000]).predict_proba(val_x)
    near = (near * 5 + 1) / (5 + near.shape[1])
    return {"5 nearest neighbours": float(-np.log(near[np.arange(len(val_y)), val_y.astype(int)]).mean())}


def transfer(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    """To the end on the same three seeds, since the sweep itself prunes random weights early: the best configuration
    with weights from the other classes; and from random weights the better of that one and of the sweep's own best."""
    run = runs[FEW]
    trials = [one for one in run.directory.record().trials if one.value is not None]
    best = {
        known: min(
            (one for one in trials if (one.config["weights"] != "none") == known), key=lambda one: one.value or 0
        )
        for known in (True, False)
    }
    plan = TrainingPlan.from_sweep(run.sweep, run.directory)
    splits = load_splits(plan)
    known = trained(plan, splits, best[True].config)
    drawn = min(trained(plan, splits, {**one.config, "weights": "none"}) for one in best.values())
    says = f"mean val_loss over {SEEDS} seeds {known[0]:.3f} ({-known[1]:.1%}) from the other classes' weights, "
    return ((f"{says}{drawn[0]:.3f} ({-drawn[1]:.1%}) from random ones", known < drawn),)


def trained(plan: TrainingPlan, splits: Splits | Streamed, config: Mapping[str, Any]) -> tuple[float, float]:
    """(mean loss, mean accuracy with its sign turned) of the best epoch, over seeds."""
    found = []
    with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
        told = replace(plan, checkpoints_dir=scratch)
        for seed in range(SEEDS):
            seen: list[Report] = []
            train_one(told, splits, Assignment(f"{seed:04d}", 1, config, seed, plan.max_epochs), seen.append)
            best = min((report.epoch.metrics for report in seen), key=lambda metrics: metrics["val_loss"])
            found.append((best["val_loss"], -best["val_accuracy"]))
    loss, accuracy = np.mean(found, axis=0)
    return float(loss), float(accuracy)


ROW = Row(
    "finetune",
    "five classes of garments with 20 images each, after pre-training on the other five",
    (SOURCE, FEW),
    baselines,
    "5 nearest neighbours",
    transfer,
    {FEW: {"space.weights": "{choice: [finetune-fashion-source, none]}"}},
)
