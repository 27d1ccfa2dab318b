"""The simulated clock: workers that train epochs in no time at all, each of which takes one unit of simulated time.

A sweep is asked for work whenever a worker is free, and told each epoch when the clock has come to its end. Epochs that
end at the same moment are told in the order in which they began, and a worker that gets free takes up its next trial at
once. The budget is counted in epochs over all workers.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Any, Protocol

from replay_tables import Task


@dataclass(slots=True)
class Work:
    """A trial in a worker's hands."""

    trial: Any
    """The sweep's own handle."""
    key: Any
    """What the task is asked for its curve."""
    epoch: int = 0
    """The last one that was trained."""


class Sweep(Protocol):
    """A method at work: a searcher with a scheduler, whoever wrote them."""

    def next_work(self, now: float) -> Work | None:
        """For a free worker; None when there is nothing to do now."""
        ...

    def on_epoch(self, work: Work, metrics: dict[str, float], now: float) -> bool:
        """An epoch is trained; whether the trial goes on. What ran to its last epoch or to NaN never does."""
        ...


@dataclass(frozen=True, slots=True)
class Trace:
    """The best so far whenever it fell: (simulated time, loss)."""

    falls: tuple[tuple[float, float], ...]
    trials: int
    epochs: int


def replay(sweep: Sweep, task: Task, workers: int, budget: int) -> Trace:
    """Run until `budget` epochs are trained, or until there is nothing left to do."""
    running: list[tuple[float, int, Work]] = []
    idle, order, trials, begun, now, best = workers, 0, 0, 0, 0.0, math.inf
    falls: list[tuple[float, float]] = []

    def begin(work: Work) -> None:
        nonlocal order, begun
        order, begun = order + 1, begun + 1
        heapq.heappush(running, (now + 1.0, order, work))

    while True:
        while idle and begun < budget:
            work = sweep.next_work(now)
            if work is None:
                break
            idle -= 1
            trials += work.epoch == 0  # else it goes on after a pause
            begin(work)
        if not running:
            return Trace(tuple(falls), trials, begun)
        now, _, work = heapq.heappop(running)
        work.epoch += 1
        metrics = task.report(work.key, work.epoch)
        loss = metrics["val_loss"]
        if loss < best:  # NaN never is
            best = loss
            falls.append((now, loss))
        if sweep.on_epoch(work, metrics, now) and begun < budget:
            begin(work)
        else:
            idle += 1
