"""Trains one configuration in this process: for `tuner train`, for a debugger, and for people."""

from __future__ import annotations

from collections.abc import Callable

from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.data import Splits
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import Streamed
from tuner.training.worker import TrialWorker


def train_one(
    plan: TrainingPlan, splits: Splits | Streamed | None, assignment: Assignment, on_epoch: Callable[[Report], object]
) -> Report | Failure:
    """`on_epoch` is called with each epoch's report; the last report, or the failure, is returned."""
    worker = TrialWorker(plan, splits)
    worker.open(assignment)
    try:
        while True:
            message = worker.step()
            if isinstance(message, Failure):
                return message
            on_epoch(message)
            if message.finished is not None or message.epoch.epoch >= assignment.max_epochs:
                return message
    finally:
        worker.close()
