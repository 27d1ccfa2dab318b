"""How long training waits for its next batch: the share of an epoch that a faster loader would save. Torch-free.

Nothing here asks the device anything: on a GPU the wait is that of the process that feeds it, which is what starves it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Meter:
    """Seconds waited so far."""

    seconds: float = 0.0


class Waiting(Generic[T]):
    """The same batches, as often as they can be had; the meter grows by what each of them took to come."""

    def __init__(self, batches: Iterable[T], meter: Meter) -> None:
        self._batches, self._meter = batches, meter

    def __iter__(self) -> Iterator[T]:
        since = time.perf_counter()
        for batch in self._batches:
            self._meter.seconds += time.perf_counter() - since
            yield batch
            since = time.perf_counter()
        self._meter.seconds += time.perf_counter() - since  # the end has to be found out, too
