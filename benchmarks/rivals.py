"""What others do with the same curves, each in its own words, mapped to ours for the comparison.

A rule is a function of the two curves and answers with our names for what it says, the first first; an empty list says
that nothing is wrong. The packages come with the extra `benchmarks`; one that is not installed is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

Curve = np.ndarray
Rule = Callable[[Curve, Curve], list[str]]


def last_over_best(_train: Curve, val: Curve) -> list[str]:
    """`last validation > 1.05 × best validation` (Prechelt's GL at 5)."""
    return ["overfitting"] if val[-1] > 1.05 * np.nanmin(val) else []


def patience_10(_train: Curve, val: Curve) -> list[str]:
    """Early stopping with patience 10 would have stopped it: it says overfitting."""
    best, wait = math.inf, 0
    for value in val:
        best, wait = (value, 0) if value < best else (best, wait + 1)
        if wait >= 10:
            return ["overfitting"]
    return []


def sagemaker(train: Curve, val: Curve) -> list[str]:
    """SageMaker Debugger's documented overfit (ratio 0.1, patience 1), loss_not_decreasing (0 % over 10) and
    overtraining (delta 0.1, patience 5 and 10)."""
    said = []
    if not np.isfinite(train).all():
        said.append("diverged")
    with np.errstate(all="ignore"):
        if np.nanmean(val) - np.nanmean(train) > 0.1 * np.nanmean(train):
            said.append("overfitting")
    if len(train) > 10 and (train[10::10] >= train[:-10:10][: len(train[10::10])]).any():
        said.append("not_learning")
    if _overtrained(train, 5) or _overtrained(val, 10):
        said.append("overfitting")
    return said


def _overtrained(curve: Curve, patience: int) -> bool:
    best, wait = math.inf, 0
    for value in curve:
        if value < best - 0.1:
            best, wait = value, 0
        else:
            wait += 1
        if wait > patience:
            return True
    return False


RUNMEDIC = {
    "overfitting": "overfitting",
    "no_learning": "not_learning",
    "non_finite": "diverged",
    "divergence": "diverged",
    "loss_spikes": "unstable",
    "constant_lr_plateau": "plateau",
    "val_below_train": "easy_validation",
}


def runmedic(train: Curve, val: Curve) -> list[str]:
    from runmedic import roles
    from runmedic.checks import run_checks
    from runmedic.model import Run

    run = Run("run", "csv", "")
    for name, curve in (("train/loss", train), ("val/loss", val)):
        for step, value in enumerate(curve, 1):
            run.get(name).add(float(step), float(value))
    run.finalize()
    said = [RUNMEDIC[finding.check] for finding in run_checks(run, roles.detect(run)) if finding.check in RUNMEDIC]
    return list(dict.fromkeys(said))


DOCTOR = {
    "overfitting": "overfitting",
    "train_eval_mismatch": "overfitting",
    "plateau": "plateau",
    "early_plateau": "not_learning",
    "lr_too_high": "unstable",
    "lr_too_low": "slow_learning",
}


def training_doctor(train: Curve, val: Curve) -> list[str]:
    from training_doctor import Doctor

    doctor = Doctor()
    said = []
    for step, (t, v) in enumerate(zip(train, val, strict=True), 1):
        new = doctor.log(step, train_loss=float(t), loss=float(t), eval_loss=float(v))
        said += [DOCTOR.get(diagnosis.detector_name, "") for diagnosis in new]
    return [name for name in dict.fromkeys(said) if name]


def rules() -> dict[str, Rule]:
    """Name -> rule, those whose package is here."""
    out: dict[str, Rule] = {"last > 1.05 best": last_over_best, "patience 10": patience_10, "SageMaker": sagemaker}
    if find_spec("runmedic"):
        out["runmedic"] = runmedic
    if find_spec("training_doctor"):
        out["training-doctor"] = training_doctor
    return out
