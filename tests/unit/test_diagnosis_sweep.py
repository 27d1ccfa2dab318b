"""Sweep findings: each on a sweep with the cause planted, and not on its healthy twin."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tuner.diagnosis import diagnose_sweep
from tuner.records.epochs import EpochMetrics
from tuner.records.finding import Diagnosis, Finding
from tuner.records.trial import COMPLETED, DOOMED, ParameterRecord, SweepRecord, TrialRecord

LR = ParameterRecord("lr", "float", 1e-5, 1.0, log=True)
DROPOUT = ParameterRecord("model.mlp.dropout", "float", 0.0, 0.6)
EPOCHS = 20


def sweep(
    value: Callable[[float, float], float],
    verdict: Callable[[float], str] = lambda lr: "healthy",
    best_epoch: int = 12,
    count: int = 40,
) -> SweepRecord:
    """A sweep of random learning rates (log) and dropouts with this value and verdict."""
    rng = np.random.default_rng(0)
    trials = []
    for number in range(count):
        lr, dropout = 10 ** rng.uniform(-5, 0), rng.uniform(0, 0.6)
        said = verdict(lr)
        lost = said == "diverged"
        evidence = {"more_epochs": 20.0} if said == "undertrained" else {}
        findings = () if said in ("healthy", "unknown") else (Finding(said, 0.9, said, 3, evidence),)
        trials.append(
            TrialRecord(
                f"{number:04d}",
                number,
                {"lr": lr, "model.mlp.dropout": dropout},
                "random",
                ending=DOOMED if lost else COMPLETED,
                value=None if lost else value(lr, dropout),
                best_epoch=None if lost else best_epoch,
                epochs=tuple(EpochMetrics(epoch, {"val_loss": 1.0}) for epoch in range(1, EPOCHS + 1)),
                diagnosis=Diagnosis(f"{number:04d}", said, findings),
            )
        )
    return SweepRecord(
        "r", "r", "s", "val_loss", "min", EPOCHS, count, "finished", tuple(trials), parameters=(LR, DROPOUT)
    )


def bowl(lr: float, dropout: float) -> float:
    return (math.log10(lr) + 2.5) ** 2 + (dropout - 0.3) ** 2


def found(record: SweepRecord) -> dict[str, Finding]:
    return {finding.symptom: finding for finding in diagnose_sweep(record)}


def test_a_healthy_sweep_has_no_finding() -> None:
    assert found(sweep(bowl)) == {}


def test_best_at_boundary_widens_the_range() -> None:
    finding = found(sweep(lambda lr, dropout: -math.log10(lr)))["best_at_boundary"]
    (remedy,) = finding.remedies
    assert (remedy.change, remedy.old) == ("space.lr.high", 1.0)
    assert isinstance(remedy.new, float)
    assert remedy.new > 10


def test_a_bound_that_nothing_can_pass_is_left_alone() -> None:
    assert "best_at_boundary" not in found(sweep(lambda lr, dropout: dropout))


def test_best_at_last_epoch_asks_for_more() -> None:
    record = sweep(bowl, lambda lr: "undertrained", best_epoch=EPOCHS)
    (remedy,) = found(record)["best_at_last_epoch"].remedies
    assert (remedy.change, remedy.old, remedy.new) == ("search.max_epochs", EPOCHS, 40)
    assert "best_at_last_epoch" not in found(sweep(bowl, best_epoch=EPOCHS))


def test_diverges_above_caps_the_learning_rate() -> None:
    (remedy,) = found(sweep(bowl, lambda lr: "diverged" if lr > 0.02 else "healthy"))["diverges_above"].remedies
    assert remedy.change == "space.lr.high"
    assert isinstance(remedy.new, float)
    assert 0.02 <= remedy.new < 0.06


def test_divergence_anywhere_is_no_matter_of_the_learning_rate() -> None:
    chance = np.random.default_rng(1)
    assert "diverges_above" not in found(sweep(bowl, lambda lr: "diverged" if chance.random() < 0.3 else "healthy"))


def test_mostly_one_symptom_counts_the_judged() -> None:
    finding = found(sweep(bowl, lambda lr: "overfitting" if lr > 1e-3 else "unknown"))["mostly_one_symptom"]
    assert finding.evidence["share"] == 1.0
    assert "mostly_one_symptom" not in found(sweep(bowl, lambda lr: "overfitting" if lr > 0.1 else "healthy"))


def test_a_sweep_of_three_trials_says_nothing() -> None:
    assert found(sweep(bowl, lambda lr: "overfitting", count=3)) == {}
