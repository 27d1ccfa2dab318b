"""How busy the driver's machine is, for MLflow's page *System metrics*: `tracking: {system_metrics: true}`.

MLflow's own monitors measure (psutil; GPUs with nvidia-ml-py or pyrsmi, where one is installed), so names and units are
MLflow's. When it is written, and what happens while a server is down, is the follower's business: nothing of this is in
the journal, so what could not be written is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

from tuner.tracking.mapping import ms
from tuner.tracking.store import Point

EVERY_SECONDS = 10.0
_PREFIX = "system/"
"""By which MLflow's page knows them."""


class SystemMetrics:
    """One look at the machine every EVERY_SECONDS, however often it is asked."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._next = clock, clock() + EVERY_SECONDS
        self._monitors: list[Any] = [CPUMonitor(), DiskMonitor(), NetworkMonitor(), *_gpus()]
        self._look()  # psutil says what happened since it was last asked: the first answer means nothing

    def __call__(self, began: float) -> list[Point]:
        """Empty where it is not yet time. `began` (Unix seconds): steps are counted from there, also after a resume."""
        now = self._clock()
        if now < self._next:
            return []
        self._next = now + EVERY_SECONDS
        step = max(0, int((now - began) // EVERY_SECONDS))
        return [Point(_PREFIX + name, float(value), step, ms(now)) for name, value in self._look().items()]

    def _look(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            found |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        return found


def _gpus() -> list[Any]:
    for kind in (GPUMonitor, ROCMMonitor):
        try:
            return [kind()]
        except (ImportError, RuntimeError):  # as they say that there is no such library or no such GPU
            continue
    return []
