"""Overfitting: validation loss passes a minimum and rises while training loss keeps falling.

Question  Of where validation stood at its best, how much is lost again by the end?
Formula   rise = (v_end - v_best) / max(|v_best|, gain / 5); net: less the luck of the best epoch; sigmas: net rise in
          standard errors of the two levels; line: rise of a straight line through all since the best, and its errors;
          against: rise over the largest step against a fall-then-rise; train_fall = (t_then - t_end) / |t_then|.
          v_end: median of the last tenth; v_best: minimum of the smoothed curve; luck: how low the minimum of that many
          noisy values lies by chance; gain: from the constant predictor's loss (else the first one) to v_best.
Units     rise and train_fall: no unit (0.31 is 31 % of the level at the best epoch); epochs from 1.
Ways      the level at the end stands out of the noise; or the line since the best does; training falling on in both.
          Without a training loss the same rise says it with less confidence: training may have become unstable.
Reaches   precision 0.95, recall 0.97 (37 said, 34 planted) on the tuning half, by limits set on its other families.
Source    Prechelt (1998), generalization loss, against the curve's own noise; Boudart, course 2 §4.2; TUM §VI.2.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent, since
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "overfitting"

WAYS = (
    (
        Condition("rise_net", 0.0493, 0.069, 0.1),
        Condition("sigmas", 2.45, 4.0, 3.0),
        Condition("against", 1.36, 2.81, 2.0),
        Condition("train_fall", 0.131, 0.316, 0.1),
    ),
    (
        Condition("line", 0.0233, 0.0553, 0.1),
        Condition("line_errors", 1.13, 2.47, 2.0),
        Condition("rise", 0.0602, 0.106, 0.1),
        Condition("train_fall", 0.131, 0.316, 0.1),
    ),
)
ALONE = 0.7
"""Of the confidence that is left without a training loss."""


def measures(f: Features) -> dict[str, Array]:
    val, train = f.val, f.train
    after = val.n - 1 - val.best_at
    enough = f.has_val & (after >= np.where(val.n <= 10, 2, np.maximum(val.tail, 3)))
    line, line_error = val.line(val.best_at, val.n)
    risen = val.end - val.best
    error = np.hypot(val.end_error, 0.45 * val.late_sigma)
    at_best = f.train_at_best_val
    fall = ratio(at_best - train.end, np.maximum(np.abs(at_best), 1e-12))
    low = f.has_train & (train.end < 0.5 * val.best) & (val.best > 0)
    return {
        "rise": np.where(enough, f.val_rise, np.nan),
        "rise_net": np.where(enough, f.val_rise_net, np.nan),
        "sigmas": ratio(risen - val.luck, error),
        "against": ratio(risen, val.against),
        "line": np.where(enough, ratio(line, f.val_unit), np.nan),
        "line_errors": ratio(line, line_error),
        "train_fall": np.where(f.has_train, np.where(low, np.maximum(fall, 0.1), fall), 1.0),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    confidence = confidence * np.where(f.has_train, 1.0, ALONE)
    return Hits(
        confidence,
        f.val.best_epoch,
        {
            "val_rise": ratio(f.val.end - f.val.best, np.abs(f.val.best)),
            "train_fall": np.where(f.has_train, known["train_fall"], np.nan),
            "rise_in_sigmas": np.minimum(known["sigmas"], 1e6),
            "best_epoch": f.val.best_epoch,
            "last_epoch": f.val.last_epoch,
        },
    )


def says(case: Case) -> str:
    text = f"validation loss has risen {percent(case.evidence['val_rise'])}{since(case.since_epoch)}"
    fall = case.evidence.get("train_fall")
    if fall is None:
        return text + " (there is no training loss to compare it with)"
    return text + (f" while training loss fell {percent(fall)}" if fall > 0.005 else " while training loss stayed low")


def remedies(case: Case) -> tuple[Remedy, ...]:
    best, last = int(case.evidence["best_epoch"]), int(case.evidence["last_epoch"])
    return (
        case.change(
            of.PATIENCE,
            lambda old: min(old, max(2.0, (last - best) // 2)),
            "stop at the best epoch",
            f"epoch {best} was the best: patience, or its checkpoint, costs nothing",
            "B, T",
        ),
        case.change(
            of.DROPOUT, plus(0.2, high=0.6), "more dropout", "units cannot rely on one another", "B §4.2, T §VIII"
        ),
        case.change(
            of.WEIGHT_DECAY, times(10, high=0.1), "more weight decay", "smaller weights, smoother function", "T §VIII"
        ),
        case.augmentation(1.5, "augmentation", "more different training samples at no cost in data", "T §VIII"),
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
