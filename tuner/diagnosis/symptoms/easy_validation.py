"""Easy validation: validation stays below training, and not because of dropout, augmentation or the epoch's mean.

Question  How far below the training loss, measured in the same way, does validation lie, and for how much of the run?
Formula   below = median(t - v) / max(|v_best|, gain / 5) over the last two thirds; share of those epochs with v < t
          t: the training loss in evaluation mode where it is known; else the epoch's mean of the *next* epoch, which is
          what the weights that v was measured with go on to have.
Units     no unit.
Hit       below over LIMIT and SIGMAS of its noise, in SHARE of the epochs. Not asked where only the loss in training
          mode is known and the configuration has dropout or augmentation: those lift it.
Source    TUM §VI.2: check the split, look for leakage.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import DROPOUT, Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.padded import Bools
from tuner.diagnosis.plain import percent
from tuner.diagnosis.smooth import masked_median, shifted
from tuner.records.finding import Remedy
from tuner.records.history import History

NAME = "easy_validation"

LIMIT = 0.08
SHARE = 0.8
SIGMAS = 3.0
AUGMENTATION = ("augmentation", "augment", "mixup")


def find(f: Features) -> Hits:
    train, val, after = f.train, f.val, f.after
    has_after = (after.n == val.n) & (val.n > 0)
    same = (train.n == val.n) & (val.n > 0)
    histories = f.batch.histories
    measured_after = np.array([h.train_eval == "after_epoch" for h in histories], bool)
    mean = np.array([h.train_eval == "epoch_mean" for h in histories], bool)
    width = val.curve.value.shape[1]
    lagged = np.where(measured_after[:, None], train.curve.value, shifted(train.curve.value, train.n, 1))
    reference = np.where(has_after[:, None], _fit(after.curve.value, width), _fit(lagged, width))
    n = val.n
    position = np.arange(width)[None, :]
    late = (position >= (n // 3)[:, None]) & (position < n[:, None])
    distance = reference - val.curve.value
    below = masked_median(distance, late)
    often = (late & (distance > 0)).sum(axis=1) / np.maximum(late.sum(axis=1), 1)
    share = ratio(below, f.val_unit)
    error = 1.25 * val.sigma / np.sqrt(np.maximum(n - n // 3, 1))
    fair = has_after | (same & ~_lifted(histories))
    hit = fair & (n >= 5) & (share > LIMIT) & (often >= SHARE) & (below > SIGMAS * error)
    most = np.where(has_after | measured_after, 0.95, np.where(mean, 0.85, 0.65))
    return Hits(
        hit,
        sure(share / LIMIT - 1, most),
        np.full(len(share), np.nan),
        {"below": share, "often": often, "evaluation_mode": (has_after | measured_after).astype(np.float64)},
    )


def _fit(value: np.typing.NDArray[np.float64], width: int) -> np.typing.NDArray[np.float64]:
    """As many columns as validation has; what is beyond a row's points is never looked at."""
    if value.shape[1] >= width:
        return value[:, :width]
    return np.pad(value, ((0, 0), (0, width - value.shape[1])), mode="edge")


def _lifted(histories: tuple[History, ...]) -> Bools:
    """Dropout or augmentation in the configuration."""
    return np.array([_has(history) for history in histories], bool)


def _has(history: History) -> bool:
    for name, value in history.config.items():
        short = name.rsplit(".", 1)[-1]
        if (short in DROPOUT or short in AUGMENTATION) and value not in (0, 0.0, None, False, "", "none"):
            return True
    return False


def says(case: Case) -> str:
    below, often = percent(case.evidence["below"]), percent(case.evidence["often"])
    how = "in evaluation mode too" if case.evidence["evaluation_mode"] else "one epoch's running mean allowed for"
    return f"validation loss is {below} below the training loss in {often} of the epochs, {how}"


def remedies(case: Case) -> tuple[Remedy, ...]:
    samples = case.history.n_val
    split = f"the {samples} validation samples may be easier than training's" if samples else "validation may be easier"
    return (
        Remedy("check the split", f"{split}: split at random, by group", "T §VI.2"),
        Remedy("look for leakage", "copies of training samples in validation are already learnt", "T §VI.2"),
        Remedy("a harder validation set", "one that looks like the data the network is for", "T §VI.2"),
    )
