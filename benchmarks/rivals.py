"""What others do with the same curves, each in its own words, mapped to ours for the comparison.

A rival answers with words, the first of them its verdict; no word means that nothing is wrong. Each word is the set of
our names that it may mean: where a rival does not tell two symptoms apart, it is right with either. The packages are
in `rival_packages.py`. The rules stand here as they are documented, at their documented defaults:

rule                  says                            source
last > 1.05 best      overfitting                     Prechelt (1998), generalization loss at 5 %
patience 10           overfitting                     early stopping, improvement of any size
SageMaker Debugger    overfit, overtraining,          awsdocs/amazon-sagemaker-developer-guide,
                      loss not decreasing             doc_source/debugger-built-in-rules.md
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Curve = np.ndarray
Word = frozenset[str]


@dataclass(frozen=True)
class Shown:
    """All that the corpus shows of a run and any of the rivals can use."""

    train_steps: Curve
    train: Curve
    val_steps: Curve
    val: Curve
    lr: float | None = None
    """Where it is constant: runmedic looks for a decay."""


Rival = Callable[[Shown], list[Word]]

OVERFITTING = frozenset({"overfitting"})
A_GAP = frozenset({"overfitting", "memorisation", "unrepresentative_training_data"})
"""Said of validation above training, whether or not it rises."""
NO_PROGRESS = frozenset({"not_learning", "slow_learning", "plateau", "underfitting", "unstable"})
"""The training loss stands still, or rises, for some steps."""


def last_over_best(shown: Shown) -> list[Word]:
    return [OVERFITTING] if shown.val[-1] > 1.05 * np.min(shown.val) else []


def patience_10(shown: Shown) -> list[Word]:
    """Early stopping would have stopped it: ten validations without a new best one."""
    return [OVERFITTING] if _stalls(shown.val, 10, 0.0) else []


def overfit(shown: Shown) -> list[Word]:
    """`ratio_threshold` 0.1 of (mean validation loss - mean training loss) / mean training loss.

    The means are taken over the run. Step by step, with its `patience` of 1, the same rule finds nearly every run.
    """
    with np.errstate(all="ignore"):
        train, val = np.mean(shown.train), np.mean(shown.val)
    return [A_GAP] if val - train > 0.1 * train else []


def overtraining(shown: Shown) -> list[Word]:
    """`patience_train` 5, `patience_validation` 10, `delta` 0.01 (in units of the loss)."""
    stops = _stalls(shown.train, 6, 0.01) or _stalls(shown.val, 11, 0.01)
    return [OVERFITTING | {"memorisation"}] if stops else []


def loss_not_decreasing(shown: Shown) -> list[Word]:
    """`num_steps` 10, `diff_percent` 0.1, `increase_threshold_percent` 5, on the training loss, every ten steps."""
    before, after = shown.train[:-10:10], shown.train[10::10]
    count = min(len(before), len(after))
    with np.errstate(all="ignore"):
        percent = 100 * (after[:count] - before[:count]) / np.abs(before[:count])
    stuck = (percent > -0.1) & ((percent <= 0) | (percent > 5))
    return [NO_PROGRESS] if stuck.any() else []


def sagemaker(shown: Shown) -> list[Word]:
    """The three rules together, the gravest first."""
    return [*loss_not_decreasing(shown), *overfit(shown), *overtraining(shown)]


def _stalls(curve: Curve, patience: int, delta: float) -> bool:
    best, wait = math.inf, 0
    for value in curve.tolist():
        if value < best - delta:
            best, wait = value, 0
        else:
            wait += 1
        if wait >= patience:
            return True
    return False


RULES: dict[str, Rival] = {
    "last > 1.05 best": last_over_best,
    "patience 10": patience_10,
    "SageMaker overfit": overfit,
    "SageMaker overtraining": overtraining,
    "SageMaker not decreasing": loss_not_decreasing,
    "SageMaker, all three": sagemaker,
}
