"""What a sweep on Ray publishes for Prometheus, through `ray.util.metrics`: the table of it, and the way to Ray.

Ray's agent on each node serves them beside its own (`ray_tuner_…`; a counter's name ends with `_total`). Ray forgets a
gauge that nobody has set for two of its report intervals (2 x 10 s), so a gauge is set every `PUBLISH_SECONDS`. There
is no label for the trial: each would be a series for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

PUBLISH_SECONDS = 2.0
"""Between two publications. Well below Ray's report interval, also where that was made shorter."""
LABELS = ("sweep", "run")
"""Of every metric: the sweep's name and the run directory's."""
EPOCH_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Upper bounds of the histogram's buckets. Ray hands on the buckets alone, so quantiles are as fine as these."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One published quantity."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    says: str
    labels: tuple[str, ...] = ()
    """Beside `LABELS`."""

    @property
    def exported(self) -> str:
        """As Prometheus has it; a histogram's series are this one's `_bucket`, `_sum` and `_count`."""
        return f"ray_{self.name}_total" if self.kind == "counter" else f"ray_{self.name}"


TRIALS_PLANNED = Metric("tuner_trials_planned", "gauge", "trials that the sweep may try; 0 where time alone limits it")
TRIALS_ENDED = Metric("tuner_trials_ended", "gauge", "trials that have ended for good")
TRIALS_BY_ENDING = Metric("tuner_trials_by_ending", "gauge", "trials that have ended, by how", ("ending",))
TRIALS_BY_VERDICT = Metric("tuner_trials_by_verdict", "gauge", "trials that have ended, by diagnosis", ("verdict",))
TRIALS_RUNNING = Metric("tuner_trials_running", "gauge", "trainings on a worker now")
TRIALS_QUEUED = Metric("tuner_trials_queued", "gauge", "trainings that wait for a worker")
TRIALS_PAUSED = Metric("tuner_trials_paused", "gauge", "trials that wait at their rung for the scheduler")
BEST_METRIC = Metric("tuner_best_metric", "gauge", "best value so far of the sweep's metric", ("metric",))
EPOCHS = Metric("tuner_epochs", "counter", "epochs that were reported")
EPOCH_DURATION = Metric("tuner_epoch_seconds", "histogram", "seconds of an epoch, evaluation included")
LOST_WORKERS = Metric("tuner_lost_workers", "gauge", "times that a trial lost its worker, since the sweep began")
TRACKING_BACKLOG = Metric("tuner_tracking_backlog_bytes", "gauge", "bytes of the journal that MLflow has not got yet")
DRIVER_BUSY = Metric("tuner_driver_busy_seconds", "counter", "CPU seconds of the driver's process")
WORKER_MEMORY = Metric("tuner_worker_memory_bytes", "gauge", "resident memory of a worker's process", ("node",))
WORKER_GPU_MEMORY = Metric(
    "tuner_worker_gpu_memory_bytes", "gauge", "GPU memory that a worker holds through torch", ("node",)
)
METRICS = (
    TRIALS_PLANNED,
    TRIALS_ENDED,
    TRIALS_BY_ENDING,
    TRIALS_BY_VERDICT,
    TRIALS_RUNNING,
    TRIALS_QUEUED,
    TRIALS_PAUSED,
    BEST_METRIC,
    EPOCHS,
    EPOCH_DURATION,
    LOST_WORKERS,
    TRACKING_BACKLOG,
    DRIVER_BUSY,
    WORKER_MEMORY,
    WORKER_GPU_MEMORY,
)


class Meters(Protocol):
    """Where measurements go: `RayMeters`, or a list in a test."""

    def record(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Set a gauge, add to a counter (above 0), observe in a histogram."""
        ...


class RayMeters:
    """Meters of this process, a driver's or a worker's, on the connected cluster."""

    def __init__(self, sweep: str, run: str) -> None:
        self._tags = {"sweep": sweep, "run": run}
        self._made: dict[str, Any] = {}

    def record(self, metric: Metric, value: float, /, **labels: str) -> None:
        made = self._made.get(metric.name) or self._make(metric)
        getattr(made, _VERBS[metric.kind])(float(value), tags={**self._tags, **labels})

    def _make(self, metric: Metric) -> Any:
        from ray.util import metrics

        keys = (*LABELS, *metric.labels)
        if metric.kind == "histogram":
            made: Any = metrics.Histogram(metric.name, metric.says, boundaries=list(EPOCH_SECONDS), tag_keys=keys)
        else:
            made = {"gauge": metrics.Gauge, "counter": metrics.Counter}[metric.kind](metric.name, metric.says, keys)
        self._made[metric.name] = made
        return made


_VERBS: Mapping[str, str] = {"gauge": "set", "counter": "inc", "histogram": "observe"}


def targets() -> list[str]:
    """`host:port` of every node that serves metrics; none under RAY_enable_metrics_collection=0, Ray's own switch."""
    import ray

    served = ((node["NodeManagerAddress"], node.get("MetricsExportPort", 0)) for node in ray.nodes() if node["Alive"])
    return [f"{address}:{port}" for address, port in served if port > 0]
