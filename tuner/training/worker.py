"""A worker: trains one trial after another and never dies of what a trial does.

One lives in each of the launcher's actors, or in the process itself. Torch is imported with the first one that needs
it, so that a driver may import this module for nothing.
"""

from __future__ import annotations

import gc
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.data import Splits
from tuner.training.failures import BROKEN, CATCHABLE, failure, values_text
from tuner.training.memory import hand_back, keep_freed_memory
from tuner.training.plan import TrainingPlan
from tuner.training.remote_folder import own_place
from tuner.training.task_info import Streamed
from tuner.training.user_loop import LoopSession

if TYPE_CHECKING:
    from tuner.training.data_source import DataSource
    from tuner.training.group import Group
    from tuner.training.session import Session


class TrialWorker:
    """`open` a trial, `step` through its epochs, `close` it; again and again."""

    def __init__(self, plan: TrainingPlan, splits: Splits | Streamed | None = None, group: Group | None = None) -> None:
        """`splits`: of `load_splits(plan)`; None for a loop of the user's own. `group`: of the workers of a trial that
        has several. Raises InputError for a missing GPU."""
        self.plan, self._group = own_place(plan), group
        self._source: DataSource | None = None
        self._session: Session | LoopSession | None = None
        self._assignment: Assignment | None = None
        self._failure: Failure | None = None
        keep_freed_memory()
        self._drawn: float | None = None
        """The value of the best trial that was drawn."""
        self.failed_at = 0.0
        """Unix seconds of the last failure: of several workers of a trial, the first to fail is the cause."""
        if plan.loop is None:
            self._source = self._prepared(plan, splits)

    def open(self, assignment: Assignment) -> None:
        """Build or restore the trial. What goes wrong in it comes out of `step`."""
        self.close()
        self._assignment = assignment
        try:
            self._session = self._made(assignment)
            self._session.start()
        except CATCHABLE as error:
            self._fail(assignment, error)

    def step(self) -> Report | Failure:
        """Train and evaluate one epoch, write its checkpoint; or say why not."""
        assignment = self._assignment
        if assignment is None:
            raise RuntimeError("step() before open()")
        if self._failure is None and self._session is not None:
            try:
                report = self._session.next_report()
                if report.finished is not None or report.epoch.epoch >= assignment.max_epochs:
                    self._draw(self._session)
                return report
            except CATCHABLE as error:
                self._fail(assignment, error)
        assert self._failure is not None
        return self._failure

    def stop(self) -> None:
        """From another thread: a loop of the user's own is to end at its next report."""
        session = self._session
        if isinstance(session, LoopSession):
            session.stop()

    @property
    def failure(self) -> Failure | None:
        """What went wrong with the open trial so far; `step` says it."""
        return self._failure

    def close(self) -> None:
        """The trial is over: free its model and its memory."""
        session, self._session = self._session, None
        assignment, self._assignment, self._failure = self._assignment, None, None
        if isinstance(session, LoopSession):
            session.close()
        elif session is not None and session.holds_much:
            del session
            self._free()
        if assignment is not None and self.plan.remote is not None:  # who goes on with it fetches it
            shutil.rmtree(Path(self.plan.checkpoints_dir) / assignment.trial, ignore_errors=True)

    def _draw(self, session: Session | LoopSession) -> None:
        """Of a trial at its end, if it is this worker's best so far: the sweep's best is some worker's."""
        if isinstance(session, LoopSession) or session.best is None or session.group.rank:
            return
        value, _ = session.best
        if not self.plan.better(value, self._drawn):
            return
        self._drawn = value
        try:
            session.draw()
        except Exception as error:  # a picture that cannot be drawn is no reason to lose what was trained
            print(f"no pictures: {type(error).__name__}: {error}")

    def _made(self, assignment: Assignment) -> Session | LoopSession:
        if self.plan.loop is not None:
            return LoopSession(self.plan, assignment, self._group)
        from tuner.training.session import Session

        assert self._source is not None
        return Session(self.plan, self._source, assignment, self._group)

    def _prepared(self, plan: TrainingPlan, splits: Splits | Streamed | None) -> DataSource:
        if splits is None:
            raise ValueError("a plan with a task needs its splits: load_splits(plan)")
        import torch

        from tuner.training.building import choose_device
        from tuner.training.data_source import DataSource

        device = choose_device(plan.gpu)
        if torch.get_num_threads() != plan.cpu:
            torch.set_num_threads(plan.cpu)
        if device.type == "cuda":
            torch.backends.cudnn.deterministic = True  # a trial can be had again, bit for bit
        return DataSource(plan, splits, device)

    def _fail(self, assignment: Assignment, error: BaseException) -> None:
        what = self._session.describe() if self._session is not None else values_text(assignment)
        self.failed_at = time.time()
        self._failure = failure(assignment, error, what)
        if self._group is not None:
            if self._group.broken:  # aborted meanwhile: whatever was raised comes of that
                self._failure = replace(self._failure, kind=BROKEN)
            self._group.leave()
        self._session = None
        self._free()

    def _free(self) -> None:
        """Optimizers and their schedules refer to each other, so the collector has to come by."""
        gc.collect()
        hand_back()
        if self._source is not None:
            import torch

            if torch.cuda.is_available():
                torch.cuda.empty_cache()
