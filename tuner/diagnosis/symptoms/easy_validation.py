"""Easy validation: validation stays below training, and not because of dropout, augmentation or the epoch's mean.

Question  How far below the training loss, measured in the same way, does validation lie, and for how much of the run?
Formula   below = median(t - v) / max(|v_best|, gain / 5) over the last two thirds; share of those epochs with v < t
          t: the training loss in evaluation mode where it is known; else the epoch's mean of the *next* epoch, which is
          what the weights that v was measured with go on to have.
Units     no unit.
Ways      below over its limit, standing out of its noise (sigmas), often: where the loss in evaluation mode is known;
          or where only the epoch's mean is, which dropout and augmentation lift: not asked where the configuration has
          them; by far more, and in nearly every epoch, where there is no configuration that would say so.
Reaches   precision 1.00, recall 1.00 (35 said, 18 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI.2: check the split, look for leakage.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import DROPOUT, Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array, Bools
from tuner.diagnosis.plain import percent
from tuner.diagnosis.smooth import masked_median, shifted
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy
from tuner.records.history import History

NAME = "easy_validation"

DRAWN = Condition("drawn", 1.5, 2.5, 1.0)
"""Not set by likelihood: standard errors, as in any test."""
SPREAD = 1.4
"""Standard deviation of a sample's loss over the mean: sqrt 2 of squared normal errors, about that of cross-entropy."""

WAYS = (
    (
        Condition("below", 0.0706, 0.0805, 0.1),
        Condition("often", 0.828, 0.898, 0.3),
        Condition("sigmas", 0.715, 2.98, 3.0),
        DRAWN,
    ),
    (
        Condition("below_mean", 0.0506, 0.0791, 0.1),
        Condition("often", 0.828, 0.898, 0.3),
        Condition("sigmas", 0.715, 2.98, 3.0),
        DRAWN,
    ),
    (
        Condition("below_blind", 0.337, 0.605, 0.1),
        Condition("often_blind", 0.857, 0.988, 0.3),
        Condition("sigmas", 1.95, 3.94, 3.0),
        DRAWN,
    ),
)
AUGMENTATION = ("augmentation", "augment", "mixup")


def measures(f: Features) -> dict[str, Array]:
    train, val, after = f.train, f.val, f.after
    has_after = (after.n == val.n) & (val.n > 0)
    same = (train.n == val.n) & (val.n > 0)
    histories = f.batch.histories
    measured_after = np.array([h.train_eval == "after_epoch" for h in histories], bool)
    width = val.curve.value.shape[1]
    lagged = np.where(measured_after[:, None], train.curve.value, shifted(train.curve.value, train.n, 1))
    reference = np.where(has_after[:, None], _fit(after.curve.value, width), _fit(lagged, width))
    n = val.n
    position = np.arange(width)[None, :]
    late = (position >= (n // 3)[:, None]) & (position < n[:, None])
    distance = reference - val.curve.value
    below = masked_median(distance, late)
    share = ratio(below, f.val_unit)
    quiet = has_after | (same & measured_after)
    enough = n >= 5
    told = np.array([bool(h.config) for h in histories], bool)
    n_val = np.array([h.n_val or np.inf for h in histories], dtype=float)
    error = SPREAD * np.abs(val.best) / np.sqrt(n_val)
    often = (late & (distance > 0)).sum(axis=1) / np.maximum(late.sum(axis=1), 1)
    return {
        "below": np.where(enough & quiet, share, np.nan),
        "below_mean": np.where(enough & same & ~quiet & told & ~_lifted(histories), share, np.nan),
        "below_blind": np.where(enough & same & ~quiet & ~told, share, np.nan),
        "often": often,
        "often_blind": often,
        "sigmas": ratio(below, 1.25 * val.sigma / np.sqrt(np.maximum(n - n // 3, 1))),
        "drawn": ratio(below, error),
        "quiet": quiet.astype(np.float64),
        "share": share,
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence,
        np.full(len(confidence), np.nan),
        {"below": known["share"], "often": known["often"], "evaluation_mode": known["quiet"]},
    )


def _fit(value: Array, width: int) -> Array:
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
