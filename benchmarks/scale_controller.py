"""The controller alone: many slots and trials on a simulated clock, no Ray and no training. A part of `scale.py`.

All that a driver does for a report beside Ray's own share happens here: the searcher, the scheduler, the doom check,
the diagnosis of what has ended, the journal on disk and what follows its lines (checkpoints, Optuna's study, the log).
Costs are CPU seconds, counted in ten equal parts of the trials, so that what grows with them shows within one run.
"""

from __future__ import annotations

import gc
import heapq
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from suggest_times import MAX_EPOCHS, SPACE

from tuner.control.checkpoints import CheckpointKeeper
from tuner.control.controller import Controller
from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Report
from tuner.records.journal import VERSION, Journal, Line
from tuner.records.run_directory import RunDirectory
from tuner.report.live import PlainLines
from tuner.search.make import make_scheduler, make_searcher
from tuner.search.study_log import StudyLog

PARTS = 10
EPOCH_SECONDS = 60.0


def report(assignment: Assignment, epoch: int) -> Report:
    """A loss that falls to a floor, lowest near lr = 0.01; above 0.3 it diverges at epoch 2."""
    config = assignment.config
    lr, dropout = float(config["lr"]), float(config["dropout"])  # type: ignore[arg-type]
    level = 0.2 + 0.1 * (math.log10(lr) + 2) ** 2 + 0.2 * dropout + 2.0 / (1 + epoch)
    loss = math.nan if lr > 0.3 and epoch >= 2 else level
    first = epoch == assignment.after_epoch + 1
    facts = Facts(initial_loss=2.3, baseline_loss=2.3, num_classes=10) if first else None
    metrics = {"train_loss": loss * 0.9, "val_loss": loss}
    return Report(assignment.trial, assignment.attempt, EpochMetrics(epoch, metrics, EPOCH_SECONDS), facts=facts)


class Counted:
    """A controller and its run directory; what is spent on suggestions, on reports, and on writing them down."""

    def __init__(self, folder: Path, algorithm: str, scheduler: str, trials: int, slots: int) -> None:
        self.clock = 1.0e9
        self.slots = slots
        self.suggesting = self.deciding = self.writing = 0.0
        self.results = 0
        directory = RunDirectory(folder)
        directory.logs.mkdir(parents=True)
        self._journal = Journal(directory.journal)
        self._log = (directory.logs / "driver.log").open("w", encoding="utf-8")
        keeper, study = CheckpointKeeper(directory, 1, "min"), StudyLog(directory.study, SPACE)
        self._followers = [keeper.lines, study.lines, PlainLines(self._log).lines]
        rules = Rules("val_loss", "min", MAX_EPOCHS, trials, space=SPACE)
        options = {"grace": 1, "eta": 3} if scheduler != "none" else {}
        self._write([{"kind": "sweep", "version": VERSION, "at": 0.0, "metric": "val_loss", "mode": "min", **HEAD}])
        self.controller = Controller(
            rules,
            make_searcher(algorithm, {}, SPACE, mode="min", seed=0),
            make_scheduler(scheduler, options, max_epochs=MAX_EPOCHS),
            self._write,
            lambda: self.clock,
        )

    def _write(self, lines: Sequence[Line]) -> None:
        began = time.process_time()
        self._journal.append_many(list(lines))
        for follower in self._followers:
            follower(lines)
        self.writing += time.process_time() - began

    def _spent(self, began: float, written: float) -> float:
        """CPU seconds since `began`, without those spent on writing."""
        return time.process_time() - began - (self.writing - written)

    def next(self) -> Assignment | None:
        began, written = time.process_time(), self.writing
        assignment = self.controller.next_assignment()
        if assignment is not None:
            self.controller.started(assignment.trial, assignment.attempt, "node-1")
        self.suggesting += self._spent(began, written)
        return assignment

    def tell(self, told: Report) -> bool:
        began, written = time.process_time(), self.writing
        going = self.controller.on_report(told)
        self.deciding += self._spent(began, written)
        self.results += 1
        return going

    def close(self) -> None:
        self.controller.finish()
        self._journal.close()
        self._log.close()


HEAD = {"run": "r", "name": "n", "max_epochs": MAX_EPOCHS, "trials": 0, "seed": 0, "task": None, "parameters": []}


def measure(algorithm: str, scheduler: str, trials: int, slots: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="scale") as folder:
        before = now_mb()
        sweep = Counted(Path(folder) / "run", algorithm, scheduler, trials, slots)
        marks = drive(sweep, trials)
        gc.collect()
        grown = now_mb() - before
        journal = (Path(folder) / "run" / "journal.jsonl").stat().st_size
        began = time.process_time()
        sweep.close()
        ending = time.process_time() - began
    return {
        "algorithm": algorithm,
        "scheduler": scheduler,
        "slots": slots,
        "trials": trials,
        "results": sweep.results,
        "suggest_ms": 1e3 * sweep.suggesting / trials,
        "decide_ms": 1e3 * sweep.deciding / sweep.results,
        "write_ms": 1e3 * sweep.writing / sweep.results,
        "results_per_cpu_second": sweep.results / (sweep.suggesting + sweep.deciding + sweep.writing),
        "growth": marks[-1] / marks[1],
        "parts_ms": [1e3 * mark for mark in marks],
        "end_seconds": ending,
        "grown_mb": grown,
        "kb_per_trial": 1024 * grown / trials,
        "journal_mb": journal / 2**20,
    }


def drive(sweep: Counted, trials: int) -> list[float]:
    """To the end; CPU seconds a result in each tenth of the trials, all that the driver does together.

    Epochs last one simulated minute, give or take a twentieth, so that workers do not go in step.
    """
    rng = np.random.default_rng(0)
    busy: list[tuple[float, int, Assignment, int]] = []
    marks: list[float] = []
    order, idle = 0, False
    before, counted = 0.0, 0
    while True:
        while len(busy) < sweep.slots and not idle:
            assignment = sweep.next()
            if assignment is None:
                idle = True  # until a report changes something
                break
            order += 1
            ends = sweep.clock + EPOCH_SECONDS * rng.uniform(0.95, 1.05)
            heapq.heappush(busy, (ends, order, assignment, assignment.after_epoch + 1))
        if not busy:
            break
        sweep.clock, _, assignment, epoch = heapq.heappop(busy)
        idle = False
        if sweep.tell(report(assignment, epoch)):
            order += 1
            ends = sweep.clock + EPOCH_SECONDS * rng.uniform(0.95, 1.05)
            heapq.heappush(busy, (ends, order, assignment, epoch + 1))
        if sweep.controller.suggested >= (len(marks) + 1) * trials / PARTS and len(marks) < PARTS:
            spent = sweep.suggesting + sweep.deciding + sweep.writing
            marks.append((spent - before) / max(sweep.results - counted, 1))
            before, counted = spent, sweep.results
            print(f"  {sweep.controller.suggested:,} trials: {spent:.0f} CPU s", file=sys.stderr, flush=True)
    return marks


def now_mb() -> float:
    """Memory that this process holds now."""
    return float(psutil.Process().memory_info().rss) / 2**20
