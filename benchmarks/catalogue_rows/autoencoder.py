"""What an autoencoder has to beat: principal components, as many as its code has numbers, the best linear code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan

Floats = npt.NDArray[np.float64]


def baselines(plan: TrainingPlan) -> dict[str, float]:
    """Name -> val_rmse; for a variational autoencoder, whose val_loss counts its code too, the cross-entropy of the
    mean image: what an empty code costs."""
    splits = load_splits(plan)
    assert isinstance(splits, Splits)
    train, val = (part.reshape(len(part), -1).astype(np.float64) for part in (splits.train_x, splits.val_x))
    mean = train.mean(0)
    if plan.metric == "val_loss":
        p = mean.clip(1e-7, 1 - 1e-7)
        return {"the mean image": float(-(val * np.log(p) + (1 - val) * np.log(1 - p)).mean())}
    code = int(str(plan.fixed["code"]))
    return {
        f"{code} principal components": rmse(principal(train, val, code), val),
        "the mean image": rmse(mean, val),
    }


def principal(train: Floats, val: Floats, code: int) -> Floats:
    """`val` through the `code` directions in which `train` varies most, and back."""
    mean = train.mean(0)
    _, directions = np.linalg.eigh(np.cov(train, rowvar=False))  # from the least to the most
    kept = directions[:, -code:]
    found: Floats = (val - mean) @ kept @ kept.T + mean
    return found


def rmse(found: Floats, true: Floats) -> float:
    return float(np.sqrt(np.square(found - true).mean()))
