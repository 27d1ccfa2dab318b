"""A trial whose loop is the user's: it runs in a thread and waits in `report` until it may go on. Torch-free.

A loop pushes, a worker pulls. Thread and worker take turns: only one of them runs at any time.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from tuner.records.epochs import Assignment, EpochMetrics, Report
from tuner.training.locate import locate
from tuner.training.plan import TrainingPlan
from tuner.training.trial import StopTrial, Trial

GO, STOP = "go", "stop"
FAREWELL_SECONDS = 10.0
"""How long a loop may take to end when told to stop; a thread that takes longer is left behind."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The loop returned, or raised."""

    error: BaseException | None = None


class LoopSession:
    """The same interface as `session.Session`."""

    def __init__(self, plan: TrainingPlan, assignment: Assignment) -> None:
        self.plan, self.assignment = plan, assignment
        self._loop = plan.loop if callable(plan.loop) else locate(str(plan.loop), plan.folder)
        self._told: SimpleQueue[EpochMetrics | _Ended] = SimpleQueue()
        self._answers: SimpleQueue[str] = SimpleQueue()
        self._stopped = False
        self._last: Report | None = None
        self.trial = Trial(
            assignment.trial,
            plan.settings(assignment.config),
            seed=assignment.seed,
            max_epochs=assignment.max_epochs,
            folder=Path(plan.checkpoints_dir) / assignment.trial,
            tell=self._tell,
            better=self._better,
        )
        self._thread = threading.Thread(target=self._run, name=f"trial {assignment.trial}", daemon=True)

    def start(self) -> None:
        """Nothing yet: the loop runs once its first epoch is asked for."""

    def next_report(self) -> Report:
        """The loop's next epoch. A loop that returns early has its last epoch told again, with why it finished."""
        if not self._thread.is_alive() and self._last is None:
            self._thread.start()
        else:
            self._answers.put(GO)
        told = self._told.get()
        if isinstance(told, _Ended):
            if told.error is not None:
                raise told.error
            if self._last is None:
                raise RuntimeError("the loop returned without having reported an epoch: call trial.report(epoch, …)")
            return replace(self._last, finished=f"the loop returned after epoch {self._last.epoch.epoch}")
        self._last = Report(self.assignment.trial, self.assignment.attempt, told)
        return self._last

    def close(self) -> None:
        """Let the loop end: `report` raises StopTrial in it."""
        self._stopped = True
        if self._thread.is_alive():
            self._answers.put(STOP)
            self._thread.join(FAREWELL_SECONDS)

    def describe(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.assignment.config.items())
        return f"the loop at {values}"

    def _run(self) -> None:
        _seed_everything(self.assignment.seed)
        error: BaseException | None = None
        try:
            self._loop(self.trial)
        except StopTrial:
            pass
        except BaseException as raised:  # a loop may raise anything; the worker tells of it
            error = raised
        self._told.put(_Ended(error))

    def _tell(self, epoch: EpochMetrics) -> None:
        if self._stopped:
            raise StopTrial
        self._told.put(epoch)
        if epoch.epoch >= self.assignment.max_epochs:
            return  # there is nothing to decide: what the loop does after its epochs, it may do
        if self._answers.get() == STOP:
            raise StopTrial

    def _better(self, metrics: Mapping[str, float], best: float | None) -> float | None:
        value = metrics.get(self.plan.metric)
        return value if value is not None and self.plan.better(value, best) else None


def _seed_everything(seed: int) -> None:
    """The global generators that a loop may draw from without thinking of it."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")  # not imported for a loop that does without it
    if torch is not None:
        torch.manual_seed(seed)
