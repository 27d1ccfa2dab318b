"""The packages of the extra `benchmarks`, as they ship: runmedic and training-doctor, all their checks, their defaults.

Each is given all that it can use of a run: both losses at their steps (one training loss a step where there is one) and
the learning rate where it is constant. Neither reads accuracies. What a word of theirs may mean of ours stands in the
tables below; their findings on time, memory and gradients cannot come, because the corpus has no such series.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rivals import Rival, Shown, Word

PINNED = {"runmedic": "0.1.1", "training-doctor": "0.1.0"}

RUNMEDIC: dict[str, Word] = {
    "non_finite": frozenset({"diverged"}),
    "divergence": frozenset({"diverged", "unstable"}),
    "no_learning": frozenset({"not_learning"}),
    "overfitting": frozenset({"overfitting"}),
    "loss_spikes": frozenset({"unstable"}),
    "val_below_train": frozenset({"easy_validation", "train_eval_mismatch"}),
    "constant_lr_plateau": frozenset({"plateau"}),
}

DOCTOR: dict[str, Word] = {
    "lr_too_high": frozenset({"unstable", "diverged"}),
    "lr_too_low": frozenset({"not_learning", "slow_learning"}),
    "plateau": frozenset({"plateau", "underfitting", "not_learning"}),
    "overfitting": frozenset({"overfitting", "memorisation", "unrepresentative_training_data"}),
}
"""Its overfitting is a rise or a gap, one word for both."""


def runmedic(shown: Shown, least: str = "info") -> list[Word]:
    """As `runmedic diagnose` on a log with these series: the gravest finding first, none below that severity."""
    from runmedic import roles
    from runmedic.checks import run_checks
    from runmedic.model import SEVERITY_ORDER, Run

    run = Run("run", "csv", "")
    for step, value in zip(shown.train_steps, shown.train, strict=True):
        run.get("train/loss").add(float(step), float(value))
        if shown.lr is not None:
            run.get("lr").add(float(step), shown.lr)
    for step, value in zip(shown.val_steps, shown.val, strict=True):
        run.get("val/loss").add(float(step), float(value))
    run.finalize()
    found = run_checks(run, roles.detect(run))
    return [RUNMEDIC[one.check] for one in found if SEVERITY_ORDER[one.severity] <= SEVERITY_ORDER[least]]


def runmedic_warnings(shown: Shown) -> list[Word]:
    """Without what it calls mere information, a mild rise of validation among it."""
    return runmedic(shown, "warning")


def training_doctor(shown: Shown) -> list[Word]:
    """As `Doctor.log` in a training loop: the surest of all that it said, first."""
    from training_doctor import Doctor

    doctor, said = Doctor(), {}
    vals = dict(zip(shown.val_steps.tolist(), shown.val.tolist(), strict=True))
    for step, loss in zip(shown.train_steps.tolist(), shown.train.tolist(), strict=True):
        metrics: dict[str, Any] = {"loss": loss, "train_loss": loss}
        if shown.lr is not None:
            metrics["lr"] = shown.lr
        if step in vals:
            metrics["eval_loss"] = vals[step]
        for diagnosis in doctor.log(int(step), **metrics):
            name = diagnosis.detector_name
            said[name] = max(diagnosis.confidence, said.get(name, 0.0))
    return [DOCTOR[name] for name in sorted(said, key=said.__getitem__, reverse=True)]


def packages() -> dict[str, Rival]:
    """Name -> rival, with its version; those that are not installed are named on standard error and left out."""
    out: dict[str, Rival] = {}
    offered = (("runmedic", "", runmedic), ("runmedic", ", warnings", runmedic_warnings))
    for name, how, rival in (*offered, ("training-doctor", "", training_doctor)):
        try:
            out[f"{name} {version(name)}{how}"] = rival
        except PackageNotFoundError:
            print(f"{name}{how} is left out, not installed: pip install {name}=={PINNED[name]}", file=sys.stderr)
    return out
