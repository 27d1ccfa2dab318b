"""What a driver asks of a worker, whichever process it lives in."""

from __future__ import annotations

from typing import Protocol

from tuner.records.epochs import Assignment, Failure, Report


class HelperLost(RuntimeError):
    """Of a trial with several workers one is gone. Raised through the driver's `step`, so that all are made anew and
    the trial is lost, as any whose worker is."""

    def __init__(self, why: str, evicted: bool = False, node: str | None = None) -> None:
        """`evicted`: Ray ended it, as its node was short of memory. `node`: that of the one that is gone."""
        super().__init__(why, evicted, node)
        self.why, self.evicted, self.node = why, evicted, node

    def __str__(self) -> str:
        return self.why


class RunNotSeen(HelperLost):
    """The actor's node came when the sweep had begun, and does not see the run: nobody would find what it writes."""


class Worker(Protocol):
    """Trains one trial at a time, epoch by epoch; `training.worker.TrialWorker` is one."""

    def open(self, assignment: Assignment) -> None:
        """Get ready for a trial. A fault of the user's comes out of `step`."""
        ...

    def step(self) -> Report | Failure:
        """Train and evaluate one epoch; never raises for what the trial did."""
        ...

    def close(self) -> None:
        """The trial is over: free its model and memory."""
        ...
