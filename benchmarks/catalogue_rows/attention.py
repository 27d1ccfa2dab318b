"""Attention: a vision transformer and a CNN with channel attention beside nearest neighbours and a linear model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from catalogue_row import Row, Run, flat_splits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tuner.training.plan import TrainingPlan


def baselines(plan: TrainingPlan) -> Mapping[str, float]:
    """The cross-entropy of softmax regression (C of scikit-learn chosen on validation), and of the class shares among
    the 20 nearest neighbours on raw pixels, one neighbour of each class added lest a logarithm be infinite."""
    x, y, val_x, val_y = flat_splits(plan)
    rows, classes = np.arange(len(val_y)), int(y.max()) + 1
    softmax = min(
        float(-np.log(model.predict_proba(val_x)[rows, val_y.astype(int)]).mean())
        for model in (LogisticRegression(C=c, max_iter=2000).fit(x, y) for c in (0.003, 0.01, 0.03, 0.1))
    )
    near = KNeighborsClassifier(20).fit(x, y).predict_proba(val_x)
    near = (near * 20 + 1) / (20 + classes)
    return {
        "softmax regression": softmax,
        "20 nearest neighbours": float(-np.log(near[rows, val_y.astype(int)]).mean()),
    }


def shown(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    """Each kind of attention by itself, in the metric's own unit."""
    trials = [one for run in runs.values() for one in run.directory.record().trials if one.value is not None]
    kinds = {
        "vision transformer": [t for t in trials if t.config.get("model", "vit") == "vit"],
        "CNN with channel attention": [t for t in trials if t.config.get("model.cnn.attention") == "channel"],
    }
    floor = min(min(run.baselines.values()) for run in runs.values())
    found = []
    for name, some in kinds.items():
        best = min((t.value for t in some if t.value is not None), default=float("inf"))
        found.append((f"the best {name}: val_loss {best:.3f}, below {floor:.3f}", best < floor))
    return tuple(found)


ROW = Row(
    "attention",
    "1,797 digits of 8×8 pixels, with attention that can be read",
    ("attention_digits", "attention_vit"),
    baselines,
    "softmax regression",
    shown,
)
