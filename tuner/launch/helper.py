"""A further worker of a trial that has several: the actor of one rank above 0. `launch/group.py` leads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tuner.launch.cluster import TrialResources
from tuner.launch.trial_log import logged
from tuner.launch.worker_metrics import publish_memory
from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.group import Group, Meeting
from tuner.training.plan import TrainingPlan
from tuner.training.remote_folder import own_place, send_log
from tuner.training.worker import TrialWorker

Message = Report | Failure
Stamped = tuple[Message | None, float]
"""A message and, of a failure, when that was: the first one is the cause of the others."""


class Helper:
    """A further worker of one actor's trials: does what its rank 0 does, at the same time."""

    def __init__(self, rank: int, size: int) -> None:
        self._group = Group(rank, size, ray.util.get_node_ip_address())
        self._log = Path(os.devnull)

    def prepare(self, plan: list[Any], splits: list[Any]) -> str:
        """The first thing asked of it; answers with its node. Raises what a worker raises that cannot start."""
        self._plan: TrainingPlan = own_place(ray.get(plan[0]))
        self._worker = TrialWorker(self._plan, ray.get(splits[0]) if splits else None, self._group)
        node: str = ray.get_runtime_context().get_node_id()[:8]
        publish_memory(self._plan, node)
        return node

    def open(self, assignment: Assignment, meeting: Meeting | None) -> Stamped:
        """`meeting`: where a new group comes together; None: the last one still holds."""
        self._log = Path(self._plan.checkpoints_dir).parent / "logs" / f"{assignment.trial}.{self._group.rank}.log"
        with logged(self._log):
            self._worker.close()
            if meeting is not None:
                self._group.join(meeting)
            self._worker.open(assignment)
        return self._worker.failure, self._worker.failed_at

    def step(self) -> Stamped:
        with logged(self._log):
            message = self._worker.step()
        return message, self._worker.failed_at

    @ray.method(concurrency_group="aside")  # type: ignore[untyped-decorator]
    def wake(self) -> None:
        """While `step` runs: the trial is over, though this worker waits for another, or its loop goes on."""
        self._worker.stop()
        self._group.abort()

    def close(self) -> None:
        with logged(self._log):
            self._worker.close()
        send_log(self._plan, self._log)


def helper_actor(resources: TrialResources, rank: int) -> Any:
    """Makes helpers, in the place that was reserved for that rank."""
    bundle = resources.bundle()
    return ray.remote(concurrency_groups={"aside": 1})(Helper).options(
        num_cpus=bundle.pop("CPU"),
        num_gpus=bundle.pop("GPU", 0),
        memory=bundle.pop("memory", 0),
        resources=bundle,
        scheduling_strategy=PlacementGroupSchedulingStrategy(
            placement_group=ray.util.get_current_placement_group(), placement_group_bundle_index=rank
        ),
    )
