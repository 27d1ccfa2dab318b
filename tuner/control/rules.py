"""What the controller goes by: the part of a sweep file that decides who runs, who stops and when all ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuner.control.control_trials import Controls
from tuner.records.values import Config
from tuner.space import Space, identity

if TYPE_CHECKING:
    from tuner.sweep import Sweep


@dataclass(frozen=True, slots=True)
class Rules:
    """Numbers of a sweep file in the units that the controller counts in."""

    metric: str
    mode: str
    max_epochs: int
    trials: int | None
    """Suggestions to make; None: until the searcher has no more."""
    seed: int = 0
    doomed: bool = True
    """Whether the diagnosis may stop a trial that is not diverged but surely lost."""
    concurrency: int | None = None
    """Trials at once; None: as many as the driver finds room for."""
    first: tuple[tuple[str, Config], ...] = ()
    """(origin, configuration) to try before the searcher is asked."""
    seconds: float | None = None
    """Wall seconds of one driver, after which the sweep ends cleanly."""
    target: Mapping[str, float] = field(default_factory=dict)
    """Metric name -> value: the sweep ends when a trial reaches one."""
    retries: int = 2
    """Lost workers that a trial survives, and failures that a resume tries again."""
    silent_seconds: float | None = None
    task: str | None = None
    repeats: int = 1
    """Seeds that each configuration is trained on which comes to its end; its value is their mean."""
    final_top: int = 0
    """Configurations that are trained again when the search is over; 0: none."""
    final_seeds: int = 0
    """Further seeds of each of them."""
    controls: Controls | None = None
    """A frozen configuration that is trained on fixed seeds before anything else."""
    seconds_told: float | None = None
    """What `seconds` is called in words: of a night that goes on, the whole budget, of which `seconds` are left."""
    gpu_seconds: float | None = None
    """GPU seconds of one driver, counted by epochs, after which the sweep ends cleanly."""
    gpus: float = 0.0
    """GPUs of a trial, all its workers together."""
    spare_finalists: bool = False
    """Whether the search ends early enough for the finalists to be trained within `seconds` and `gpu_seconds`."""
    space: Space | None = None
    """In which no configuration is tried twice; None: the searcher is taken at its word."""

    @classmethod
    def from_sweep(cls, sweep: Sweep) -> Rules:
        defaults = sweep.space.defaults()
        first: list[tuple[str, Config]] = [("default", defaults)] if defaults is not None else []
        known = {identity(config) for _, config in first}
        for config in sweep.search.enqueue:
            if identity(config) not in known:  # the reader of the file has said so
                first.append(("enqueued", config))
                known.add(identity(config))
        return cls(
            metric=sweep.metric.name,
            mode=sweep.metric.mode,
            max_epochs=sweep.search.max_epochs,
            trials=sweep.search.trials,
            seed=sweep.seed,
            doomed=sweep.search.doomed,
            concurrency=sweep.search.concurrency,
            first=tuple(first),
            seconds=None if sweep.stop.hours is None else 3600.0 * sweep.stop.hours,
            target=dict(sweep.stop.target),
            retries=sweep.retries.times,
            silent_seconds=None if sweep.retries.silent_minutes is None else 60.0 * sweep.retries.silent_minutes,
            task=sweep.task,
            repeats=sweep.search.repeats,
            final_top=0 if sweep.search.finalists is None else sweep.search.finalists.top,
            final_seeds=0 if sweep.search.finalists is None else sweep.search.finalists.seeds,
            space=sweep.space,
            gpus=sweep.resources.gpu * sweep.resources.workers,
        )

    def falls(self, name: str) -> bool:
        """Whether lower is better: the sweep's own metric goes by its mode, others by their name."""
        return self.mode == "min" if name == self.metric else name.endswith("_loss")

    def reached(self, metrics: Mapping[str, float]) -> str | None:
        """`val_loss 0.197 reached the target 0.2`, or None. A name that ends in `_loss` is to fall, others to rise,
        and the sweep's own metric goes by its mode."""
        for name, target in self.target.items():
            value = metrics.get(name)
            if value is None:
                continue
            if value <= target if self.falls(name) else value >= target:
                return f"{name} {value:.4g} reached the target {target:g}"
        return None
