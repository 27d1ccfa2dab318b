"""What a worker has to know to train any trial of a sweep: small, frozen, picklable. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tuner.records.run_directory import RunDirectory

if TYPE_CHECKING:
    from tuner.sweep import Sweep


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One sweep, as its workers see it."""

    task: str | None
    """A name from the catalogue or `my_package.tasks:Churn`; None for a loop of the user's own."""
    checkpoints_dir: str
    """Each trial has a folder of its name in it."""
    loop: str | Callable[..., object] | None = None
    """The user's training function, or where it is found."""
    model: str | None = None
    """The model of all trials, where the space does not choose one."""
    data_dir: str | None = None
    data_processes: int = 0
    """Processes of each worker that load the batches of a Dataset of the user's own."""
    limit: int | None = None
    """At most so many examples, all splits together."""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """What no trial changes, by recorded name; a trial's own configuration lies over it."""
    metric: str = "val_loss"
    mode: str = "min"
    max_epochs: int = 1
    """The horizon of every schedule."""
    every: int = 1
    """Epochs between checkpoints; the best epoch and the last one have one in any case."""
    seed: int = 0
    """Of the sweep: how the data is divided. A trial has a seed of its own."""
    cpu: int = 1
    """Threads of a worker."""
    gpu: float = 0.0
    """Share of a GPU; 0 trains on the CPU."""
    weights: tuple[str, ...] = ()
    """Every place that the network of some trial starts from: `weights` in the sweep file."""
    runs: str = ""
    """Where runs are found by name: the folder that this one lies in."""
    folder: str = ""
    """Where the sweep was started: the user's modules are found from there, as `python` would."""
    remote: str | None = None
    """URI of the run, where checkpoints go to storage; None: `checkpoints_dir` is where every node sees it."""
    sweep: str = ""
    """The sweep's name; with `run`, that of its run directory, the labels of what a worker publishes."""
    run: str = ""
    metered: bool = False
    """Whether workers publish their memory: where Ray serves metrics."""

    @classmethod
    def from_sweep(
        cls, sweep: Sweep, run_directory: RunDirectory, *, loop: Callable[..., object] | None = None
    ) -> TrainingPlan:
        """`loop`: a function given to `tuner.run`, which no sweep file can name."""
        return cls(
            task=sweep.task,
            checkpoints_dir=str(run_directory.checkpoints),
            loop=loop or sweep.loop,
            model=sweep.model,
            data_dir=sweep.data.dir,
            data_processes=sweep.data.processes,
            limit=sweep.data.limit,
            fixed=dict(sweep.fixed),
            metric=sweep.metric.name,
            mode=sweep.metric.mode,
            max_epochs=sweep.search.max_epochs,
            every=sweep.checkpoints.every,
            seed=sweep.split_seed,
            cpu=max(1, int(sweep.resources.cpu)),
            gpu=float(sweep.resources.gpu),
            weights=_named(sweep, "weights"),
            runs=str(run_directory.path.parent),
            folder=os.getcwd(),  # noqa: PTH109
            sweep=sweep.name,
            run=run_directory.name,
        )

    def settings(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """All values of one trial, by recorded name."""
        return {**self.fixed, **config}

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` of the metric beats `than`; NaN beats nothing, and anything finite beats None."""
        if value != value:
            return False
        return than is None or (value < than if self.mode == "min" else value > than)


def _named(sweep: Sweep, name: str) -> tuple[str, ...]:
    """All values that a trial of the sweep may have for a parameter of words."""
    found = [sweep.fixed[name]] if name in sweep.fixed else []
    for item in sweep.space.parameters:
        if item.name == name:
            found += getattr(item.domain, "options", None) or [getattr(item.domain, "value", None)]
    return tuple(value for value in found if isinstance(value, str))
