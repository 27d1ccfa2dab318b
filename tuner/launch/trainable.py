"""The class Trainable: one actor, many trials, one epoch a step. It holds a worker and passes its messages on.

Ray's own checkpoints are not used: the worker writes ours, and an assignment says after which epoch it goes on. So a
trial that raised, ran out of memory or was stopped leaves the actor usable for the next one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import ray
from ray import tune

from tuner.launch.cluster import TrialResources
from tuner.launch.sight import unseen
from tuner.launch.trial_log import logged
from tuner.launch.worker import HelperLost, RunNotSeen, Worker
from tuner.launch.worker_metrics import publish_memory
from tuner.records.epochs import Assignment, Failure
from tuner.training.plan import TrainingPlan
from tuner.training.remote_folder import own_place, send_log
from tuner.training.worker import TrialWorker

MESSAGE = "message"
ASSIGNMENT = "assignment"


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """Ray Tune's view of a worker. `config` holds one assignment; the plan and the data come by reference, so that
    a node fetches them once, however many of its actors use them."""

    def setup(
        self, config: dict[str, Any], plan: list[Any], splits: list[Any], resources: TrialResources | None = None
    ) -> None:
        self._node = ray.get_runtime_context().get_node_id()[:8]
        self._plan: TrainingPlan = own_place(ray.get(plan[0]))
        publish_memory(self._plan, self._node)
        self._worker: Worker | None = None
        self._failure: Failure | None = None
        self._assignment: Assignment = config[ASSIGNMENT]
        self._opened = False
        self._unseen = unseen(self._plan)
        if self._unseen is not None:
            return
        try:
            self._worker = self._made(plan, splits, resources or TrialResources())
        except HelperLost:
            raise
        except Exception as error:
            self._failure = self._cannot_start(error)

    def _made(self, plan: list[Any], splits: list[Any], resources: TrialResources) -> Worker:
        if resources.workers == 1:
            return TrialWorker(self._plan, ray.get(splits[0]) if splits else None)
        from tuner.launch.group import GroupWorker  # which imports torch

        return GroupWorker(plan, splits, resources)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self._assignment, self._opened = new_config[ASSIGNMENT], False
        return True

    def _open(self, worker: Worker) -> None:
        """With the first step: Tune asks for an actor of its own for each trial, and drops it, started or not, when
        another one is free first. Such an actor is to build nothing."""
        if not self._opened:
            self._opened = True
            worker.open(self._assignment)

    def step(self) -> dict[str, Any]:
        if self._unseen is not None:  # here and not in `setup`: the driver is told who raised it
            raise RunNotSeen(self._unseen, node=self._node)
        if self._worker is None:
            assert self._failure is not None
            message: Any = self._failure
        else:
            with self._logged():
                self._open(self._worker)
                message = self._worker.step()
        return {MESSAGE: message, "node": self._node}

    def cleanup(self) -> None:
        """What a loop prints when it is told to stop belongs to its own trial."""
        if self._worker is not None:
            with self._logged():
                self._worker.close()
            send_log(self._plan, self._log)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: the worker's own checkpoints are the ones that count. (Ray asks for the method to exist.)"""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: see `save_checkpoint`."""

    def get_auto_filled_metrics(
        self,
        now: datetime | None = None,
        time_this_iter: float | None = None,
        timestamp: int | None = None,
        debug_metrics_only: bool = False,
    ) -> dict[str, Any]:
        """Only what Tune's loop reads: the rest would travel to the driver with each epoch and be thrown away."""
        return {"trial_id": self.trial_id, "time_this_iter_s": time_this_iter or 0.0, "time_total_s": 0.0}

    def _cannot_start(self, error: Exception) -> Failure:
        return Failure(
            self._assignment.trial,
            self._assignment.attempt,
            "raised",
            f"the worker could not start: {type(error).__name__}: {error}",
            node=self._node,
        )

    def _logged(self) -> AbstractContextManager[None]:
        return logged(self._log)

    @property
    def _log(self) -> Path:
        return Path(self._plan.checkpoints_dir).parent / "logs" / f"{self._assignment.trial}.log"
