"""How many trials are handed to Ray at once: those that fit, and what an autoscaler is to see waiting.

What waits has been chosen without knowing what the others find, so it is one trial on a cluster that stays as it is. A
cluster that grows is one with an autoscaler: each time it does, twice as many are asked for ahead, up to the sweep's
`search.concurrency` or `MOST`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ray

from tuner.launch.cluster import TrialResources, room

LOOK_SECONDS = 5.0
MOST = 64
"""Trials ahead, where the sweep does not say how many may run at once."""
IDLE_SECONDS = 30.0
"""How long an actor is kept for a trial that may yet come."""


class Room:
    """Called for the number of trials that may be with Ray."""

    def __init__(
        self, count: Callable[[], int], concurrency: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`count`: of trials that fit on the cluster now."""
        self._count, self._clock, self._most = count, clock, concurrency
        self._fits = self._largest = count()
        self._ahead = 1
        self._looked = clock()

    def __call__(self) -> int:
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked, self._fits = self._clock(), self._count()
            if self._fits > self._largest:
                self._largest = self._fits
                self._ahead = min(2 * self._ahead, MOST)
        if self._most is None:
            return self._fits + self._ahead
        return self._fits + max(1, min(self._ahead, self._most - self._fits))


def fitting(resources: TrialResources) -> int:
    """Trials of this size that the nodes which are alive hold together; 0 while there are none."""
    return room(resources, [node for node in ray.nodes() if node["Alive"]])


class IdleActor:
    """Tune keeps one actor that is done for a trial that may yet come. At a sweep's tail that place is given back, so
    that its node may go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None

    def look(self, tune_controller: Any) -> None:
        """At each of Tune's steps."""
        if not tune_controller._actor_cache.num_cached_objects or tune_controller._staged_trials:
            self._since = None
        elif self._since is None:
            self._since = self._clock()
        elif self._clock() - self._since >= IDLE_SECONDS:
            tune_controller._cleanup_cached_actors(force_all=True)
            self._since = None
