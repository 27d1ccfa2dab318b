"""Simulated workers and a simulated clock: a whole sweep in a few milliseconds, without torch and without ray."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from tuner.control.controller import Controller
from tuner.control.replay import replay
from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Failure, Report
from tuner.records.fold import Fold
from tuner.records.journal import Line
from tuner.records.trial import SweepRecord
from tuner.search.make import make_scheduler, make_searcher
from tuner.space import Float, Parameter, Space

SPACE = Space(
    (
        Parameter("lr", "lr", Float(1e-5, 1.0, log=True)),
        Parameter("dropout", "dropout", Float(0.0, 0.6)),
    )
)

Outcome = Report | Failure
Curve = Callable[[Assignment, int], Outcome]


def smooth_curve(assignment: Assignment, epoch: int) -> Outcome:
    """A loss that falls towards a floor; the floor is lowest near lr = 0.01. Above 0.3 it diverges at epoch 2."""
    lr = float(assignment.config["lr"])  # type: ignore[arg-type]
    if lr > 0.3 and epoch >= 2:
        return report(assignment, epoch, math.nan)
    floor = 0.2 + 0.1 * (math.log10(lr) + 2) ** 2 + 0.2 * float(assignment.config["dropout"])  # type: ignore[arg-type]
    return report(assignment, epoch, floor + 2.0 / (1 + epoch))


def report(assignment: Assignment, epoch: int, loss: float, **more: Any) -> Report:
    facts = Facts(initial_loss=2.3, baseline_loss=2.3, num_classes=10) if epoch == assignment.after_epoch + 1 else None
    metrics = {"train_loss": loss * 0.9, "val_loss": loss}
    return Report(assignment.trial, assignment.attempt, EpochMetrics(epoch, metrics, 1.0), facts=facts, **more)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Sweep:
    """A controller, its journal in memory and simulated slots. `lines` is what a run directory would hold."""

    def __init__(
        self,
        rules: Rules,
        *,
        algorithm: str = "random",
        scheduler: str = "asha",
        eta: int = 3,
        warm: Sequence[Line] = (),
        space: Space = SPACE,
    ) -> None:
        self.rules, self.algorithm, self.scheduler, self.eta = rules, algorithm, scheduler, eta
        self.space = space
        self.lines: list[Line] = []
        self.clock = Clock()
        self.crash_after: int | None = None
        self.controller = self._controller()
        head = {**HEAD, "metric": rules.metric, "mode": rules.mode, "repeats": rules.repeats}
        if rules.final_top:
            head["finalists"] = {"top": rules.final_top, "seeds": rules.final_seeds}
        self._write([{"kind": "sweep", "version": 1, "at": 0.0, **head}])
        self._write(warm)
        self._write([{"kind": "driver", "at": 0.0, "attempt": 1}])
        for line in warm:
            self.controller.warm(line)

    def _controller(self) -> Controller:
        options = {"grace": 1, "eta": self.eta} if self.scheduler in ("asha", "asha_promotion", "hyperband") else {}
        return Controller(
            self.rules,
            make_searcher(self.algorithm, {}, self.space, mode=self.rules.mode, seed=self.rules.seed),
            make_scheduler(self.scheduler, options, max_epochs=self.rules.max_epochs),
            self._write,
            self.clock,
        )

    def _write(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if self.crash_after is not None and len(self.lines) >= self.crash_after:
                raise DriverKilled
            self.lines.append(json.loads(json.dumps(line, allow_nan=False)))

    def resume(self) -> None:
        """A fresh driver on the journal as it stands."""
        self.crash_after = None
        before = list(self.lines)
        attempt = 1 + sum(line["kind"] == "driver" for line in before)
        self.controller = self._controller()
        self._write([{"kind": "driver", "at": self.clock(), "attempt": attempt}])
        replay(self.controller, before)

    def run(self, curve: Curve = smooth_curve, *, slots: int = 1) -> SweepRecord:
        """Drive to the end: each epoch takes one second of simulated time on its slot."""
        busy: list[tuple[float, int, Assignment, int]] = []
        order = 0
        while True:
            while len(busy) < slots:
                assignment = self.controller.next_assignment()
                if assignment is None:
                    break
                self.controller.started(assignment.trial, assignment.attempt, "node-1")
                order += 1
                heapq.heappush(busy, (self.clock.now + 1.0, order, assignment, assignment.after_epoch + 1))
            if not busy:
                wait = self.controller.seconds_to_wait()
                if wait is None:
                    break
                self.clock.now += wait
                continue
            at, _, assignment, epoch = heapq.heappop(busy)
            self.clock.now = at
            outcome = curve(assignment, epoch)
            if isinstance(outcome, Failure):
                self.controller.on_failure(outcome)
                continue
            if self.controller.on_report(outcome):
                order += 1
                heapq.heappush(busy, (at + 1.0, order, assignment, epoch + 1))
        self.controller.finish()
        return self.record()

    def record(self) -> SweepRecord:
        return Fold().apply(self.lines).record()


class DriverKilled(Exception):
    """The simulated kill -9: nothing after it is written."""


HEAD = {"run": "r", "name": "n", "max_epochs": 9, "trials": 0, "seed": 0}
