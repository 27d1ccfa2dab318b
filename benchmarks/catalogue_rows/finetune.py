"""Transfer: 20 images of each of five classes, from weights that know five other classes, and from random ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from catalogue_row import Row, Run, flat_splits
from sklearn.neighbors import KNeighborsClassifier

from tuner.training.plan import TrainingPlan

SOURCE, FEW = "finetune_fashion_source", "finetune_fashion_few"


def baselines(plan: TrainingPlan) -> Mapping[str, float]:
    """The cross-entropy of the class shares among the five nearest neighbours on raw pixels, one neighbour of each
    class added lest a logarithm be infinite; of at most 5,000 training images."""
    x, y, val_x, val_y = flat_splits(plan)
    near = KNeighborsClassifier(5).fit(x[:5000], y[:5000]).predict_proba(val_x)
    near = (near * 5 + 1) / (5 + near.shape[1])
    return {"5 nearest neighbours": float(-np.log(near[np.arange(len(val_y)), val_y.astype(int)]).mean())}


def transfer(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    best = {
        weights: min(
            (one.value, one.epochs[(one.best_epoch or 1) - 1].metrics["val_accuracy"])
            for one in runs[FEW].directory.record().trials
            if one.value is not None and (one.config["weights"] == "none") == (weights == "random")
        )
        for weights in ("transferred", "random")
    }
    (loss, accuracy), (random_loss, random_accuracy) = best["transferred"], best["random"]
    says = f"best val_loss {loss:.3f} ({accuracy:.1%}) from the other classes' weights, "
    return ((f"{says}{random_loss:.3f} ({random_accuracy:.1%}) from random ones", loss < random_loss),)


ROW = Row(
    "finetune",
    "five classes of garments with 20 images each, after pre-training on the other five",
    (SOURCE, FEW),
    baselines,
    "5 nearest neighbours",
    transfer,
    {FEW: {"space.weights": "{choice: [finetune-fashion-source, none]}"}},
)
