"""Residual networks beside the plain networks of the same depth, trained in the same run on the same images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from catalogue_row import Row, Run, flat_splits
from sklearn.linear_model import LogisticRegression

from tuner.records.trial import TrialRecord
from tuner.training.plan import TrainingPlan

LAYERS = {1: 8, 3: 20, 5: 32}


def softmax(plan: TrainingPlan) -> Mapping[str, float]:
    """The cross-entropy of softmax regression on the raw pixels, C chosen on the validation examples themselves."""
    x, y, val_x, val_y = flat_splits(plan)
    rows = np.arange(len(val_y))
    losses = (
        -np.log(model.predict_proba(val_x)[rows, val_y.astype(int)]).mean()
        for model in (LogisticRegression(C=c, max_iter=300).fit(x, y) for c in (1e-4, 1e-3, 1e-2))
    )
    return {"softmax regression": float(min(losses))}


def deep_and_plain(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    """At each depth the best learning rate of either; the deep plain net has to fail on the training set itself."""
    (run,) = runs.values()
    trials = run.directory.record().trials
    found = []
    for blocks, layers in LAYERS.items():
        residual, plain = (_lowest(trials, blocks, skip) for skip in (True, False))
        says = f"{layers} layers: training loss {residual:.3f} with skips, {plain:.3f} without"
        found.append((says, residual < 0.7 * plain if layers > 8 else True))
    deeper = _lowest(trials, 5, False) > _lowest(trials, 1, False)
    found.append(("without skips 32 layers train worse than 8", deeper))
    return tuple(found)


def _lowest(trials: tuple[TrialRecord, ...], blocks: int, skip: bool) -> float:
    """The lowest last training loss, in evaluation mode, over learning rates."""
    return min(
        one.epochs[-1].metrics["train_eval_loss"]
        for one in trials
        if one.epochs and one.config["model.resnet.blocks"] == blocks and one.config["model.resnet.skip"] == skip
    )


ROW = Row(
    "resnet",
    "3,000 garments: networks of 8, 20 and 32 layers, with and without skip connections",
    ("resnet_fashion",),
    softmax,
    "softmax regression",
    deep_and_plain,
)
