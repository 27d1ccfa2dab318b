"""A worker's memory, published from a thread of its own, since an epoch may take longer than Ray keeps a gauge."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from tuner.launch.metrics import PUBLISH_SECONDS, WORKER_GPU_MEMORY, WORKER_MEMORY, Meters, RayMeters
from tuner.training.memory import gpu_bytes
from tuner.training.plan import TrainingPlan

_STATM = Path("/proc/self/statm")


class MemoryMeter:
    """Publishes until the process ends, or Ray refuses: that is told once and never harms the trial."""

    def __init__(self, meters: Meters, node: str) -> None:
        self._meters, self._node = meters, node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tuner-memory-meter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def publish(self) -> None:
        """Once, now."""
        for metric, value in ((WORKER_MEMORY, resident_bytes()), (WORKER_GPU_MEMORY, gpu_bytes())):
            if value is not None:
                self._meters.record(metric, value, node=self._node)

    def _run(self) -> None:
        try:
            while True:
                self.publish()
                if self._stop.wait(PUBLISH_SECONDS):
                    return
        except Exception as error:  # whatever Ray raises: a trial is not lost for a picture of its memory
            print(f"this worker's memory is no longer published: {type(error).__name__}: {error}", file=sys.stderr)


def publish_memory(plan: TrainingPlan, node: str) -> None:
    """From here to the end of this process, where the sweep is published at all."""
    if plan.metered:
        MemoryMeter(RayMeters(plan.sweep, plan.run), node).start()


def resident_bytes() -> int | None:
    """Of this process; None where the system has no /proc (macOS)."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return None
