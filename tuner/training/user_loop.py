"""A trial whose loop is the user's: it runs in a thread and waits in `report` until it may go on. Torch-free.

A loop pushes, a worker pulls. Thread and worker take turns: only one of them runs at any time.
"""

from __future__ import annotations

import gc
import multiprocessing
import random
import sys
import threading
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from tuner.records.epochs import Assignment, EpochMetrics, Facts, Report
from tuner.training.locate import locate
from tuner.training.loop_checkpoints import LoopCheckpoints, identity
from tuner.training.plan import TrainingPlan
from tuner.training.remote_folder import remote_folder
from tuner.training.trial import StopTrial, Trial

if TYPE_CHECKING:
    from tuner.training.group import Group

GO, STOP = "go", "stop"
FAREWELL_SECONDS = 10.0
"""How long a loop may take to end when told to stop; a thread that takes longer is left behind."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The loop returned, or raised."""

    error: BaseException | None = None


class LoopSession:
    """The same interface as `session.Session`; and the desk at which its trial reports."""

    def __init__(self, plan: TrainingPlan, assignment: Assignment, group: Group | None = None) -> None:
        """`group`: the trial's workers, in each of which the loop is called."""
        self.plan, self.assignment = plan, assignment
        self._loop = plan.loop if callable(plan.loop) else locate(str(plan.loop), plan.folder)
        self._told: SimpleQueue[Report | _Ended] = SimpleQueue()
        self._answers: SimpleQueue[str] = SimpleQueue()
        self.stopped = False
        self._last: Report | None = None
        checkpoints = LoopCheckpoints(
            Path(plan.checkpoints_dir) / assignment.trial,
            identity(assignment.config, assignment.seed),
            goes_on=assignment.attempt > 1 or assignment.after_epoch > 0,
            remote=remote_folder(plan, assignment.trial),
        )
        self._stored = deque(self._report(epoch) for epoch in checkpoints.reports_after(assignment.after_epoch))
        """Of epochs that the journal lacks, though their checkpoint was written before the worker was lost."""
        self._first_facts = checkpoints.facts
        self.trial = Trial(
            assignment.trial,
            plan.settings(assignment.config),
            seed=assignment.seed,
            max_epochs=assignment.max_epochs,
            checkpoints=checkpoints,
            desk=self,
            every=plan.every,
            rank=0 if group is None else group.rank,
            world_size=1 if group is None else group.size,
        )
        self._thread = threading.Thread(target=self._run, name=f"trial {assignment.trial}", daemon=True)
        self._begun = False

    def start(self) -> None:
        """Nothing yet: the loop runs once its first epoch is asked for."""

    def next_report(self) -> Report:
        """The loop's next epoch; on another rank than 0, once the loop has ended.

        A loop that returns early has its last epoch told again, with why it finished.
        """
        if self._stored and self.trial.rank == 0:
            self._last = self._with_facts(self._stored.popleft())
            return self._last
        if self._begun:
            self._answers.put(GO)
        else:
            self._begun = True
            self._thread.start()
        told = self._told.get()
        if isinstance(told, _Ended):
            if told.error is not None:
                raise told.error
            if self.trial.rank:
                return self._report(EpochMetrics(self.trial.max_epochs, {}, 0.0))
            if self._last is None:
                raise RuntimeError("the loop returned without having reported an epoch: call trial.report(epoch, …)")
            return replace(self._last, finished=f"the loop returned after epoch {self._last.epoch.epoch}")
        self._last = told
        return told

    def stop(self) -> None:
        """From another thread: the loop's next report ends it."""
        self.stopped = True

    def close(self) -> None:
        """Let the loop end: `report` raises StopTrial in it. What it raises then, or after its last epoch, changes
        nothing any more and is printed."""
        self.stopped = True
        if self._thread.is_alive():
            self._answers.put(STOP)
            self._thread.join(FAREWELL_SECONDS)
            if self._thread.is_alive():
                print(f"{self._thread.name}: its loop has not ended after {FAREWELL_SECONDS:g} s and is left behind")
        while True:
            try:
                told = self._told.get_nowait()
            except Empty:
                break
            if isinstance(told, _Ended) and told.error is not None:
                print(f"{self._thread.name} was over when its loop raised:", file=sys.stderr)
                traceback.print_exception(told.error)
        _free()

    def describe(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.assignment.config.items())
        return f"the loop at {values}"

    def _run(self) -> None:
        _seed_everything(self.assignment.seed)
        _take_threads(self.plan.cpu)
        error: BaseException | None = None
        try:
            self._loop(self.trial)
        except StopTrial:
            pass
        except BaseException as raised:  # a loop may raise anything; the worker tells of it
            error = raised
        self.trial._tidy()
        self._told.put(_Ended(error))

    def tell(self, epoch: EpochMetrics, facts: Facts | None) -> None:
        self._told.put(replace(self._report(epoch), facts=facts))
        if epoch.epoch >= self.assignment.max_epochs:
            return  # there is nothing to decide: what the loop does after its epochs, it may do
        if self._answers.get() == STOP:
            raise StopTrial

    def better(self, metrics: Mapping[str, float], best: float | None) -> float | None:
        value = metrics.get(self.plan.metric)
        return value if value is not None and self.plan.better(value, best) else None

    def _report(self, epoch: EpochMetrics) -> Report:
        return Report(self.assignment.trial, self.assignment.attempt, epoch)

    def _with_facts(self, report: Report) -> Report:
        facts, self._first_facts = self._first_facts, None
        return replace(report, facts=facts)


def _free() -> None:
    """Models, their optimizers and the workers of their loaders refer to each other: where that holds a GPU's memory or
    a process, the collector has to come by."""
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    if on_gpu or multiprocessing.active_children():
        gc.collect()
    if torch is not None and on_gpu:
        torch.cuda.empty_cache()


def _seed_everything(seed: int) -> None:
    """The global generators that a loop may draw from without thinking of it."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")  # not imported for a loop that does without it
    if torch is not None:
        torch.manual_seed(seed)


def _take_threads(cpu: int) -> None:
    """As many as `resources.cpu`, so that trials side by side do not fight over cores. Where the loop itself imports
    torch, Ray has set OMP_NUM_THREADS to the same."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != cpu:
        torch.set_num_threads(cpu)
