"""Doomed: is this running trial surely lost?

Question  Is there any way left in which this trial could still be one of the good ones?
Formula   lost, in the order asked:
          - the last training loss is NaN or infinite;
          - the last FAR_EPOCHS training losses (a tenth of `max_epochs` where that is more) all lie more than FAR times
            the start's size above the start, are not on their way back (the later half no lower than the earlier),
            and no epoch before was better than the start by WORTH: a doomed trial never wins, so one whose best epoch
            is worth something is left to the scheduler;
          - not one epoch has come LEARNT below the baseline loss, for at least DEAD_EPOCHS and half of `max_epochs`,
            and the losses differ by less than DEAD_RANGE of the baseline: nothing moves at all;
          - validation has not been better for WORSE_EPOCHS, is now above the loss of the constant predictor, and at its
            best was not LITTLE below it: it overfits, and its best epoch, which is what counts, was worth nothing.
Units     shares of the start or the baseline loss; epochs.
Source    docs/diagnosis.md, "While a trial runs": a stopper that kills winners is worse than none. So it asks for
          certainty, and of overfitting for much more than a rise: a trial's value is its best epoch's, and good trials
          overfit too.

One history of a few hundred epochs costs some tens of microseconds: plain floats, no padding.
"""

from __future__ import annotations

import math

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.symptoms import diverged, not_learning, overfitting
from tuner.records.finding import Finding
from tuner.records.history import Curve, History

FAR = 2.0
FAR_EPOCHS = 5
WORTH = 0.1
LEARNT = 0.005
DEAD_EPOCHS = 10
DEAD_RANGE = 0.01
WORSE_EPOCHS = 10
LITTLE = 0.1


def doomed(history: History) -> Finding | None:
    """The finding that dooms the trial, or None while it may yet be good."""
    train = _measured(history, "train_loss")
    if len(train) == 0:
        return None
    if not math.isfinite(train[-1]):
        return _finding(
            "diverged",
            1.0,
            f"training loss is {_word(train[-1])} at epoch {_epoch(history)}",
            history,
            {"not_finite": 1.0},
        )
    finite = train[np.isfinite(train)]
    return _far_above(history, finite) or _dead(history, finite) or _worse_than_nothing(history)


def _measured(history: History, name: str) -> Curve:
    curve = history.curves.get(name)
    if curve is None:
        return np.zeros(0)
    gaps = history.missing.get(name)
    return curve if gaps is None or len(gaps) != len(curve) else curve[~gaps]


def _epoch(history: History) -> int:
    return int(history.epoch[-1]) if len(history.epoch) else len(next(iter(history.curves.values())))


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinite"


def _far_above(history: History, train: Curve) -> Finding | None:
    count = max(FAR_EPOCHS, (history.max_epochs or 0) // 10)
    if len(train) < count + 1:
        return None
    known = [x for x in (history.initial_loss, history.baseline_loss) if x is not None and math.isfinite(x)]
    start = max(float(train[0]) if not known else -math.inf, *known, -math.inf)
    size = max(abs(start), start - float(train.min()))
    last = train[-count:]
    returning = float(np.median(last[count // 2 :])) < 0.9 * float(np.median(last[: count // 2]))
    if size <= 0 or last.min() <= start + FAR * size or returning or start - float(train.min()) > WORTH * abs(start):
        return None
    excess = (float(train[-1]) - start) / size
    text = f"training loss is {train[-1]:.3g} at epoch {_epoch(history)}, far above the {start:.3g} it started from"
    return _finding("diverged", 0.97, text, history, {"excess": excess, "last": float(train[-1]), "start": start})


def _dead(history: History, train: Curve) -> Finding | None:
    baseline = history.baseline_loss
    if baseline is None or not math.isfinite(baseline) or baseline <= 0 or history.max_epochs is None:
        return None
    if history.steps_per_epoch or len(train) < max(DEAD_EPOCHS, history.max_epochs / 2):
        return None
    best, worst = float(train.min()), float(train[1:].max())
    learnt = (baseline - best) / baseline
    if learnt > LEARNT or (worst - best) > DEAD_RANGE * baseline:
        return None
    text = (
        f"training loss has not left the {baseline:.3g} of a network that has learnt nothing in {len(train)} of "
        f"{history.max_epochs} epochs"
    )
    numbers = {
        "learnt": learnt,
        "best": best,
        "reference": baseline,
        "epochs": float(len(train)),
        "first": float(train[0]),
    }
    return _finding("not_learning", 0.97, text, history, numbers)


def _worse_than_nothing(history: History) -> Finding | None:
    baseline, val, train = history.baseline_loss, _measured(history, "val_loss"), _measured(history, "train_loss")
    if baseline is None or not math.isfinite(baseline) or baseline <= 0 or len(val) < WORSE_EPOCHS + 2:
        return None
    if not np.isfinite(val).all() or not np.isfinite(train).all():
        return None
    best = int(np.argmin(val))
    last = val[-5:]
    if len(val) - 1 - best < WORSE_EPOCHS or float(val[best]) < (1 - LITTLE) * baseline or last.min() <= baseline:
        return None
    rising = last.mean() > val[best : best + 5].mean() and train[-1] < train[0]
    if not rising:
        return None
    rise = float(last.mean() - val[best]) / float(val[best])
    if rise < 0.25:
        return None
    text = (
        f"validation loss is {val[-1]:.3g}, above the {baseline:.3g} of a network that has learnt nothing, and was "
        "never far below it; training loss keeps falling"
    )
    numbers = {"val_rise": rise, "best_epoch": float(best + 1), "last_epoch": float(_epoch(history))}
    return _finding("overfitting", 0.97, text, history, numbers)


_REMEDIES = {"diverged": diverged.remedies, "not_learning": not_learning.remedies, "overfitting": overfitting.remedies}


def _finding(symptom: str, confidence: float, text: str, history: History, evidence: dict[str, float]) -> Finding:
    return Finding(symptom, confidence, text, _epoch(history), evidence, _REMEDIES[symptom](Case(history, evidence)))
