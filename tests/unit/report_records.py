"""Small sweeps as journal lines, so that what the reports draw went the way of a real one: lines, fold, record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.records.finding import Diagnosis, Finding, Remedy
from tuner.records.fold import Fold
from tuner.records.journal import VERSION
from tuner.records.trial import SweepRecord, trial_name
from tuner.records.values import Scalar, encode_metrics, encode_number

START = 1_795_240_260.0  # 2026-11-21 05:51 UTC

PARAMETERS: list[dict[str, Any]] = [
    {"name": "lr", "kind": "float", "low": 1e-5, "high": 1.0, "log": True},
    {"name": "batch_size", "kind": "choice", "options": [32, 64, 128]},
    {"name": "optimizer", "kind": "choice", "options": ["adamw", "sgd"]},
    {
        "name": "optimizer.sgd.momentum",
        "kind": "float",
        "low": 0.0,
        "high": 0.99,
        "parent": "optimizer",
        "parent_value": "sgd",
    },
]

MORE_EPOCHS = Finding(
    "best_at_last_epoch",
    0.9,
    "the best trials were still improving at epoch 9, the last one",
    None,
    {"best_epoch": 9.0, "last_epoch": 9.0},
    (Remedy("search.max_epochs", "validation loss would fall for some 9 epochs more", "B", 9, 18),),
)
OVERFITS = Finding(
    "overfitting",
    0.94,
    "validation loss has risen 31 % since epoch 4 while training loss fell 54 %",
    4,
    {"val_rise": 0.31, "train_fall": 0.54},
    (Remedy("dropout", "less of the training set is learnt by heart", "T", 0.1, 0.3),),
)
DIVERGES = Finding(
    "diverged",
    1.0,
    "training loss is not finite from epoch 2",
    2,
    {"last_finite": 1e9},
    (Remedy("lr", "the steps are too long", "B", 0.8, 0.08),),
)


@dataclass
class SweepLines:
    """Collects the lines of a sweep; each method adds what its name says. Ten seconds pass with each line."""

    metric: str = "val_loss"
    mode: str = "min"
    max_epochs: int = 9
    trials: int = 4
    name: str = "digits-mlp"
    run: str = "digits-mlp-20261121-0551-7f3a"
    parameters: Sequence[Mapping[str, Any]] = field(default_factory=lambda: list(PARAMETERS))
    lines: list[dict[str, Any]] = field(default_factory=list)
    now: float = START

    def __post_init__(self) -> None:
        self.add(
            "sweep",
            version=VERSION,
            run=self.run,
            name=self.name,
            metric=self.metric,
            mode=self.mode,
            max_epochs=self.max_epochs,
            trials=self.trials,
            seed=7,
            task="digits",
            parameters=list(self.parameters),
        )
        self.driver(1)

    def add(self, kind: str, **keys: Any) -> None:
        self.lines.append({"kind": kind, "at": self.now, **keys})
        self.now += 10.0

    def driver(self, attempt: int) -> None:
        self.add("driver", attempt=attempt, pid=1, host="here")

    def suggest(self, number: int, config: Mapping[str, Scalar], origin: str = "tpe") -> str:
        trial = trial_name(number)
        self.add("suggestion", trial=trial, number=number, config=dict(config), origin=origin, seed=number)
        self.start(trial)
        return trial

    def start(self, trial: str, attempt: int = 1, after_epoch: int = 0) -> None:
        self.add("start", trial=trial, attempt=attempt, after_epoch=after_epoch)

    def report(self, trial: str, epoch: int, metrics: Mapping[str, float], attempt: int = 1) -> None:
        encoded = encode_metrics(metrics)
        extra = {"node": "10.0.0.1"} if epoch == 1 else {}
        self.add("report", trial=trial, attempt=attempt, epoch=epoch, metrics=encoded, seconds=1.5, **extra)

    def losses(self, trial: str, train: Sequence[float], val: Sequence[float]) -> None:
        for epoch, (one, two) in enumerate(zip(train, val, strict=True), 1):
            accuracy = max(0.0, 1.0 - two) if math.isfinite(two) else 0.1
            self.report(trial, epoch, {"train_loss": one, "val_loss": two, "val_accuracy": accuracy})

    def rung(self, trial: str, epoch: int, value: float, promoted: bool, reason: str) -> None:
        self.add("rung", trial=trial, epoch=epoch, value=encode_number(value), promoted=promoted, reason=reason)

    def end_trial(
        self, trial: str, ending: str, reason: str, verdict: str, findings: Sequence[Finding] = (), trace: str = ""
    ) -> None:
        diagnosis = Diagnosis(trial, verdict, tuple(findings)).to_json()
        self.add("ending", trial=trial, attempt=1, ending=ending, reason=reason, diagnosis=diagnosis, traceback=trace)

    def sweep_finding(self, finding: Finding) -> None:
        self.add("sweep_finding", finding=finding.to_json())

    def end(self, status: str = "finished", reason: str = "") -> None:
        seconds = {"total": 61.25, "training": 40.5, "orchestration": 2.125, "tracking": 0.75}
        self.add("end", status=status, reason=reason, seconds=seconds)

    def record(self) -> SweepRecord:
        return Fold(f"runs/{self.run}").apply(self.lines).record()


def falling(start: float, epochs: int, factor: float = 0.7) -> list[float]:
    return [start * factor**epoch for epoch in range(epochs)]


def four_endings() -> SweepLines:
    """A finished sweep: one completed and best, one pruned, one doomed by NaN, one failed."""
    sweep = SweepLines()
    best = sweep.suggest(
        0, {"lr": 0.003, "batch_size": 64, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}, "default"
    )
    sweep.losses(best, falling(2.3, 9, 0.6), falling(2.3, 9, 0.65))
    sweep.end_trial(best, "completed", "all 9 epochs", "healthy")
    pruned = sweep.suggest(1, {"lr": 0.03, "batch_size": 32, "optimizer": "adamw"})
    sweep.losses(pruned, falling(2.0, 6, 0.5), [2.0, 1.2, 0.9, 0.8, 0.95, 1.05])
    sweep.rung(pruned, 6, 0.8, False, "3rd of 3 at epoch 6, the best 1 goes on")
    sweep.end_trial(pruned, "pruned", "3rd of 3 at epoch 6, the best 1 goes on", "overfitting", [OVERFITS])
    doomed = sweep.suggest(2, {"lr": 0.8, "batch_size": 128, "optimizer": "adamw"})
    sweep.losses(doomed, [1e9, math.nan], [math.inf, math.nan])
    sweep.end_trial(doomed, "doomed", "diverged: training loss is not finite from epoch 2", "diverged", [DIVERGES])
    failed = sweep.suggest(3, {"lr": 0.01, "batch_size": 32, "optimizer": "adamw"})
    trace = 'Traceback (most recent call last):\n  File "net.py", line 3, in build\nValueError: width must be even\n'
    sweep.end_trial(failed, "failed", "ValueError: width must be even", "unknown", trace=trace)
    sweep.sweep_finding(MORE_EPOCHS)
    sweep.end()
    return sweep
