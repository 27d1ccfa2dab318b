"""When the follower writes, how long it waits after a failure, and when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from tuner.tracking.follower import Follower
from tuner.tracking.store import StoreProblem

PAUSE_SECONDS = 2.0
"""Between two batches while the sweep runs: a trial's epochs of that time go in one request."""
LONGEST_BACK_OFF_SECONDS = 30.0
GIVE_UP_SECONDS = 60.0
"""Without any progress, once nobody waits any more; what is missing is in the journal still."""
HOLD_SECONDS = 30.0
"""A sweep that has not reported by then has begun all the same: its first epoch is long."""


class Driver(Protocol):
    """The sweep's driver as the follower sees it."""

    def left(self) -> bool:
        """It died, or it has closed the follower's input because it wrote the last line."""

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or when it leaves."""


class NoDriver:
    """For catching up: nobody writes the journal any more."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep

    def left(self) -> bool:
        return True

    def wait(self, seconds: float) -> None:
        self._sleep(seconds)


def follow(
    follower: Follower,
    driver: Driver,
    clock: Callable[[], float],
    *,
    since: int = 0,
    abandon: bool = True,
    hold: float = HOLD_SECONDS,
    patience: float = GIVE_UP_SECONDS,
) -> bool:
    """Until the journal ends behind byte `since`, or the driver left. True when all that it holds is written."""
    began_at = clock()
    failures, progress_at = 0, began_at
    left_before = False
    while True:
        left = driver.left()  # asked before the journal is read, so that its last line is read
        if left and not left_before:
            progress_at, left_before = clock(), True
        try:
            moved = follower.step(begin=hold <= clock() - began_at)
            if not moved and (left or follower.ended_at > since):
                if abandon:
                    follower.abandon()
                follower.settle()
                return True
            failures, progress_at = 0, clock()
            if not moved:
                driver.wait(PAUSE_SECONDS)
        except StoreProblem as problem:
            failures += 1
            if follower.state.problem != str(problem):
                print(f"tracking: {problem}", file=sys.stderr, flush=True)
            follower.note(str(problem))
            if left and clock() - progress_at > patience:
                return False
            driver.wait(min(2.0 ** min(failures - 1, 8), LONGEST_BACK_OFF_SECONDS if not left else 5.0))
