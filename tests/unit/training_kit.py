"""Plans and trials for the tests of the trainer, small enough to take milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan
from tuner.training.worker import TrialWorker

FIXED = {"model": "mlp", "model.mlp.depth": 1, "model.mlp.width": 16, "model.mlp.dropout": 0.2}
_splits: dict[int | None, Splits] = {}


def digits(limit: int | None = 300) -> Splits:
    if limit not in _splits:
        _splits[limit] = load_splits(TrainingPlan("digits", "unused", limit=limit))
    return _splits[limit]


def make_plan(folder: Path, max_epochs: int = 4, **given: Any) -> TrainingPlan:
    fixed = given.pop("fixed", FIXED)
    return TrainingPlan("digits", str(folder), limit=300, fixed=fixed, max_epochs=max_epochs, **given)


def assignment(plan: TrainingPlan, config: Mapping[str, Any] = {}, **given: Any) -> Assignment:
    rest = {"trial": "0003", "attempt": 1, "seed": 5, "max_epochs": plan.max_epochs} | given
    return Assignment(config=config, **rest)


def run(plan: TrainingPlan, config: Mapping[str, Any] = {}, epochs: int | None = None, **given: Any) -> list[Report]:
    """The reports of a trial's first epochs; a failure fails the test."""
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan, config, **given))
    reports = []
    for _ in range(plan.max_epochs if epochs is None else epochs):
        reports.append(report(worker))
        if reports[-1].finished:
            break
    worker.close()
    return reports


def report(worker: TrialWorker) -> Report:
    message = worker.step()
    assert isinstance(message, Report), message
    return message


def failure(worker: TrialWorker) -> Failure:
    message = worker.step()
    assert isinstance(message, Failure), message
    return message


def metrics(reports: list[Report]) -> list[Mapping[str, float]]:
    return [each.epoch.metrics for each in reports]


def loop_plan(checkpoints: Path, loop: Callable[..., object] | str, **given: Any) -> TrainingPlan:
    return TrainingPlan(None, str(checkpoints), loop=loop, max_epochs=given.pop("max_epochs", 3), **given)
