"""Overfitting: validation loss passes a minimum and rises while training loss keeps falling.

Question  Of where validation stood at its best, how much is lost again by the end?
Formula   rise = (v_end - v_best - luck) / max(|v_best|, gain / 5)
          v_end: median of the last tenth; v_best: minimum of the smoothed curve; luck: how low the minimum of that many
          noisy values lies by chance; gain: from the constant predictor's loss (else the first one) to v_best.
Units     rise and train_fall: no unit (0.31 is 31 % of the level at the best epoch); epochs from 1.
Hit       rise above LIMIT, and above SIGMAS standard errors or with a line through all since the best rising by TREND
          of its own, with the training loss no higher than at the best epoch.
          Without a training loss the same rise says it with less confidence: training may have become unstable.
Source    Prechelt (1998), generalization loss, against the curve's own noise; Boudart, course 2 §4.2; TUM §VI.2.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import percent, since
from tuner.records.finding import Remedy

NAME = "overfitting"

LIMIT = 0.06
"""Rise that counts, of the level at the best epoch; of ten points and fewer SHORT_LIMIT."""
SHORT_LIMIT = 0.07
SIGMAS = 3.5
"""Standard errors of the two levels that the rise has to exceed."""
FEW = 30
"""Points up to which SIGMAS_FEW and TREND_FEW hold: fewer points, fewer chances for noise to rise by itself."""
SIGMAS_FEW = 2.5
TREND_FEW = 1.5
TREND = 2.0
"""Standard errors (already 1.5 times the independent one) by which the line since the best has to rise instead."""


def find(f: Features) -> Hits:
    val, train = f.val, f.train
    risen = val.end - val.best - val.luck
    error = np.hypot(val.end_error, 0.45 * val.late_sigma)
    change, change_error = val.line(val.best_at, val.n)
    few = val.n <= FEW
    sigmas, trend = np.where(few, SIGMAS_FEW, SIGMAS), np.where(few, TREND_FEW, TREND)
    trending = (change > trend * change_error) & (val.n - val.best_at >= np.where(few, 4, 5))
    risen = np.where(trending, np.maximum(risen, np.minimum(change, val.end - val.best)), risen)
    rise = ratio(risen, f.val_unit)
    clear = (risen > sigmas * error) | (trending & (risen > error))
    after = val.n - 1 - val.best_at
    late_enough = after >= np.where(val.n <= 10, 2, np.maximum(val.tail, 3))

    at_best = f.train_at_best_val
    fallen = ratio(at_best - train.end, np.maximum(np.abs(at_best), 1e-12))
    fell = (at_best - train.end) > 2 * np.hypot(train.end_error, 0.45 * train.late_sigma)
    low = (train.end <= at_best + train.end_error) & (train.end < val.best)
    kept_falling = f.has_train & (fell | low)

    short = val.n <= 10
    limit = np.where(short, SHORT_LIMIT, LIMIT)
    hit = f.has_val & clear & (rise > limit) & late_enough & (kept_falling | ~f.has_train)
    certain = np.maximum(ratio(risen, sigmas * error), ratio(change, trend * change_error) * trending)
    margin = np.minimum(rise / limit - 1, certain - 1)
    most = np.where(f.has_train, np.where(short, 0.93, 0.99), 0.7)
    return Hits(
        hit,
        sure(margin, most),
        val.best_epoch,
        {
            "val_rise": ratio(val.end - val.best, np.abs(val.best)),
            "train_fall": np.where(f.has_train, fallen, np.nan),
            "rise_in_sigmas": np.minimum(ratio(risen, error), 1e6),
            "best_epoch": val.best_epoch,
            "last_epoch": val.last_epoch,
        },
    )


def says(case: Case) -> str:
    text = f"validation loss has risen {percent(case.evidence['val_rise'])}{since(case.since_epoch)}"
    fall = case.evidence.get("train_fall")
    if fall is None:
        return text + " (there is no training loss to compare it with)"
    return text + (f" while training loss fell {percent(fall)}" if fall > 0.005 else " while training loss stayed low")


def remedies(case: Case) -> tuple[Remedy, ...]:
    best = int(case.evidence["best_epoch"])
    return (
        Remedy(
            "stop at the best epoch", f"epoch {best} was the best: patience, or its checkpoint, costs nothing", "B, T"
        ),
        case.change(
            of.DROPOUT, plus(0.2, high=0.6), "more dropout", "units cannot rely on one another", "B §4.2, T §VIII"
        ),
        case.change(
            of.WEIGHT_DECAY, times(10, high=0.1), "more weight decay", "smaller weights, smoother function", "T §VIII"
        ),
        Remedy("augmentation", "more different training samples at no cost in data", "T §VIII"),
        case.change(
            of.WIDTH,
            times(0.5, low=1),
            "less capacity",
            "a smaller network cannot learn the samples by heart",
            "B §4.2",
        ),
        case.change(of.LR, times(0.3), "lower learning rate", "it learns the noise later", "T §VI"),
        Remedy("more data", "what overfits less with every sample", "B §4.2"),
    )
