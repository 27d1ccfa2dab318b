"""The class Trainable: one actor, many trials, one epoch a step. It holds a worker and passes its messages on.

Ray's own checkpoints are not used: the worker writes ours, and an assignment says after which epoch it goes on. So a
trial that raised, ran out of memory or was stopped leaves the actor usable for the next one.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import ray
from ray import tune

from tuner.records.epochs import Assignment, Failure
from tuner.training.plan import TrainingPlan
from tuner.training.worker import TrialWorker

MESSAGE = "message"
ASSIGNMENT = "assignment"


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """Ray Tune's view of a worker. `config` holds one assignment; the plan and the data come by reference, so that
    a node fetches them once, however many of its actors use them."""

    def setup(self, config: dict[str, Any], plan: list[Any], splits: list[Any]) -> None:
        self._node = ray.get_runtime_context().get_node_id()[:8]
        self._plan: TrainingPlan = ray.get(plan[0])
        self._worker: TrialWorker | None = None
        self._failure: Failure | None = None
        self._assignment: Assignment = config[ASSIGNMENT]
        try:
            self._worker = TrialWorker(self._plan, ray.get(splits[0]) if splits else None)
        except Exception as error:
            self._failure = self._cannot_start(error)
            return
        self._open(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._open(new_config)
        return True

    def _open(self, config: dict[str, Any]) -> None:
        self.cleanup()
        self._assignment = config[ASSIGNMENT]
        if self._worker is not None:
            with self._logged():
                self._worker.open(self._assignment)

    def step(self) -> dict[str, Any]:
        if self._worker is None:
            assert self._failure is not None
            message: Any = self._failure
        else:
            with self._logged():
                message = self._worker.step()
        return {MESSAGE: message, "node": self._node}

    def cleanup(self) -> None:
        """What a loop prints when it is told to stop belongs to its own trial."""
        if self._worker is not None:
            with self._logged():
                self._worker.close()

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

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """What the trial prints goes to its own log; the file is made when there is something to write."""
        path = Path(self._plan.checkpoints_dir).parent / "logs" / f"{self._assignment.trial}.log"
        out = _LazyFile(path)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                yield
            finally:
                out.close()


class _LazyFile:
    """A text stream that opens its file at the first write."""

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def write(self, text: str) -> int:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return int(self._file.write(text))

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return sys.__stdout__.fileno() if sys.__stdout__ is not None else os.open(os.devnull, os.O_WRONLY)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
