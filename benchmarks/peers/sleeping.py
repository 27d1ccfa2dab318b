"""Trials that sleep: what a driver has to do when it trains nothing, at a rate that the sleeps set.

Every worker waits until all of them are there, so that starting them, which costs seconds of CPU each, is no part of
what is timed. Imports nothing of the tuner, nor of Ray.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

SHORTEST = 0.1
"""Of the longest sleep."""
PATIENCE_SECONDS = 1200.0
_LOOK_SECONDS = 0.2


def reports(x: float, epochs: int, seconds: float, folder: str, workers: int) -> Iterator[dict[str, float]]:
    """`sent`: Unix seconds at which the epoch was over; `slept`: its seconds, by `x` and the epoch, at most `seconds`.

    `folder` is where the workers wait for one another.
    """
    together(Path(folder), workers)
    for epoch in range(1, epochs + 1):
        slept = seconds * (SHORTEST + (1 - SHORTEST) * (997.0 * x * epoch % 1.0))
        time.sleep(slept)
        yield {
            "epoch": epoch,
            "train_loss": x * x + 1 / epoch,
            "val_loss": x * x + 1.1 / epoch,
            "slept": slept,
            "sent": time.time(),
        }


def together(folder: Path, workers: int) -> None:
    """Until all workers have come."""
    everyone = folder / "everyone"
    if everyone.exists():
        return
    (folder / f"worker-{os.getpid()}").touch()
    until = time.monotonic() + PATIENCE_SECONDS
    while not everyone.exists():
        if len(list(folder.glob("worker-*"))) >= workers:
            everyone.touch()
        elif time.monotonic() > until:
            raise RuntimeError(f"of {workers} workers not all came within {PATIENCE_SECONDS:.0f} s")
        else:
            time.sleep(_LOOK_SECONDS)


class Meter:
    """What the driver's process spends from its first result on to its last."""

    def __init__(self) -> None:
        self.results, self.slept = 0, 0.0
        self.lateness: list[float] = []
        self._spent: list[float] = []
        self._first = self._last = (0.0, 0.0)
        self._began = 0.0

    def result(self, sent: float, slept: float) -> None:
        """The driver has taken a result up: decided, and written it down."""
        now = time.time(), time.process_time()
        if not self.results:
            self._first, self._began = now, sent - slept
        self._last = now
        self.results += 1
        self.slept += slept
        self.lateness.append(now[0] - sent)
        self._spent.append(now[1])

    @property
    def ended(self) -> float:
        """Unix seconds of the last result."""
        return self._last[0]

    def answer(self, workers: int) -> dict[str, float]:
        late = sorted(self.lateness)
        wall = self._last[0] - self._began
        return {
            "results": self.results,
            "driver_ms": 1e3 * (self._last[1] - self._first[1]) / max(self.results - 1, 1),
            "growth": self._growth(),
            "results_per_second": self.results / wall,
            "wall": wall,
            "ideal": self.slept / workers,
            "late_ms": 1e3 * late[len(late) // 2],
            "late_worst_ms": 1e3 * late[int(0.95 * (len(late) - 1))],
        }

    def _growth(self) -> float:
        """A result in the last fifth over one in the second fifth."""
        fifth = len(self._spent) // 5
        return (self._spent[-1] - self._spent[-1 - fifth]) / (self._spent[2 * fifth] - self._spent[fifth])
