"""The two ways to have a sweep's trials trained: by workers on Ray, or in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tuner.api.launching import Launch
from tuner.api.meters import SweepMeters
from tuner.control.controller import Controller
from tuner.launch.scraping import announced
from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep
from tuner.training.plan import TrainingPlan


def in_process(controller: Controller, plan: TrainingPlan, step: Callable[[], None]) -> None:
    from tuner.launch.in_process import drive
    from tuner.training.data import load_splits
    from tuner.training.worker import TrialWorker

    splits = None if plan.loop is not None else load_splits(plan)
    drive(controller, TrialWorker(plan, splits), step)


class OnRay:
    """On the cluster that `launch.address` names, or a Ray of its own; published there through `meters`."""

    def __init__(self, sweep: Sweep, launch: Launch, directory: RunDirectory, meters: SweepMeters) -> None:
        self._sweep, self._launch, self._directory, self._meters = sweep, launch, directory, meters

    def drive(self, controller: Controller, plan: TrainingPlan, step: Callable[[], None]) -> None:
        from tuner.launch.cluster import TrialResources, connected

        asked = self._sweep.resources
        resources = TrialResources(
            asked.cpu, asked.gpu, asked.memory or 0, asked.accelerator, asked.workers, tuple(asked.custom.items())
        )
        with connected(self._launch.address, cpus=self._launch.cpus), self._metered() as metered:
            from tuner.launch.ray_tune import drive

            drive(controller, replace(plan, metered=metered), resources, step)

    @contextmanager
    def _metered(self) -> Iterator[bool]:
        """While the block lasts the sweep is published, where Ray serves metrics; whether it does."""
        from tuner.launch.metrics import RayMeters, targets

        found = targets()
        if not found:
            yield False
            return
        runs = self._directory.path.parent if self._launch.night is None else self._launch.runs
        own = self._launch.address in (None, "local")  # a cluster's dashboard tells Prometheus itself
        told = announced(found, runs, self._directory.name, self._meters.say) if own else contextlib.nullcontext()
        with told, self._meters.published(RayMeters(self._sweep.name, self._directory.name)):
            yield True
