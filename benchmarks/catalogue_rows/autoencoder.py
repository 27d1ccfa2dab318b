"""What an autoencoder has to beat: principal components, as many as its code has numbers, the best linear code.

A variational one, whose loss counts its code too: the mean image, what an empty code costs. A classifier on a
pre-trained encoder: logistic regression on the pixels; and the same network from random weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from catalogue_row import Row, Run, flat_splits
from sklearn.linear_model import LogisticRegression

from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan

Floats = npt.NDArray[np.float64]


LINEAR = "without a network"


def baselines(plan: TrainingPlan) -> dict[str, float]:
    """Name -> its value in the sweep's metric: val_rmse, val_loss (bce) or val_accuracy."""
    if plan.metric == "val_accuracy":
        x, y, val_x, val_y = flat_splits(plan)
        model = LogisticRegression(C=0.01, max_iter=1000).fit(x, y)
        return {LINEAR: float(model.score(val_x, val_y)), "always one class": 0.1}
    splits = load_splits(plan)
    assert isinstance(splits, Splits)
    form = True if plan.fixed.get("standardise") else None
    parts = (splits.inputs(part, standardise=form) for part in (splits.train_x, splits.val_x))
    train, val = (part.reshape(len(part), -1).astype(np.float64) for part in parts)
    mean = train.mean(0)
    if plan.metric == "val_loss":
        p = mean.clip(1e-7, 1 - 1e-7)
        return {LINEAR: float(-(val * np.log(p) + (1 - val) * np.log(1 - p)).mean())}
    code = int(str(plan.fixed["code"]))
    return {LINEAR: rmse(principal(train, val, code), val), "the mean image": rmse(mean, val)}


def principal(train: Floats, val: Floats, code: int) -> Floats:
    """`val` through the `code` directions in which `train` varies most, and back."""
    mean = train.mean(0)
    _, directions = np.linalg.eigh(np.cov(train, rowvar=False))  # from the least to the most
    kept = directions[:, -code:]
    found: Floats = (val - mean) @ kept @ kept.T + mean
    return found


def rmse(found: Floats, true: Floats) -> float:
    return float(np.sqrt(np.square(found - true).mean()))


def pre_training_pays(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    """The best trial of either start: with the encoder as it is, where only what it knows differs, and trained too."""
    trials = [t for t in runs["autoencoder_classifier"].directory.record().trials if t.value is not None]

    def best(frozen: str, *, known: bool) -> float:
        fit = [t for t in trials if t.config["frozen"] == frozen and (t.config["weights"] != "none") is known]
        return max((t.value or 0.0 for t in fit), default=float("nan"))

    said = [
        f"{words} {best(frozen, known=True):.2%} from the autoencoder, {best(frozen, known=False):.2%} from random ones"
        for frozen, words in (("all", "encoder frozen"), ("none", "encoder trained too"))
    ]
    held = best("all", known=True) > best("all", known=False)
    return ((f"accuracy with 50 labels: {'; '.join(said)}", held),)


ROW = Row(
    "autoencoder",
    "garments of 28×28 pixels through a code of 16 numbers, and back; samples; an encoder pre-trained without labels",
    ("autoencoder_fashion", "autoencoder_variational", "autoencoder_pretraining", "autoencoder_classifier"),
    baselines,
    LINEAR,
    pre_training_pays,
)
