"""The controller in the shapes that Ray Tune's loop asks for: a searcher, a scheduler, a stopper and a callback.

Tune pickles what hangs on its experiment. These hold a controller, a journal and file locks, which must not travel, so
a pickled adapter is an empty one; nothing ever unpickles them, since a sweep is resumed from the journal.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from tuner.control.controller import Controller
from tuner.launch.avoiding import avoid
from tuner.launch.cluster import TrialResources
from tuner.launch.evictions import survive_evictions
from tuner.launch.losses import Loss, loss_of
from tuner.launch.room import IdleActor
from tuner.launch.trainable import ASSIGNMENT, MESSAGE
from tuner.records.epochs import EVICTED, Assignment, Failure, Report
from tuner.training.failures import values_text


@dataclass
class Desk:
    """What the four adapters share: the controller, and which of Ray's trials works on which assignment."""

    controller: Controller
    room: Callable[[], int]
    """Trials that may be with Ray at once: those that fit, and some ahead, so that no worker waits."""
    on_step: Callable[[], None]
    resources: TrialResources
    assignments: dict[str, Assignment] = field(default_factory=dict)
    """Ray's trial id -> what it works on; gone once the controller has let go of it."""
    nodes: dict[str, str] = field(default_factory=dict)
    """Ray's trial id -> the node of its worker, once it has reported from there."""
    taken: set[str] = field(default_factory=set)
    """Nodes that were taken away, as a spot instance is."""

    def take(self, ray_trial: str) -> Assignment | None:
        if len(self.assignments) >= self.room():
            return None
        assignment = self.controller.next_assignment(wait=False)
        if assignment is not None:
            self.assignments[ray_trial] = assignment
        return assignment

    def tell(self, ray_trial: str, message: Report | Failure, node: str) -> bool:
        """Whether the trial goes on. The first report of an attempt says which node it is on."""
        if isinstance(message, Failure) or ray_trial not in self.nodes:
            message = replace(message, node=message.node or node)
        self.nodes[ray_trial] = node
        if isinstance(message, Failure):
            self.controller.on_failure(message)
            going = False
        else:
            going = self.controller.on_report(message)
        if not going:
            self.let_go(ray_trial)
        return going

    def let_go(self, ray_trial: str) -> Assignment | None:
        self.nodes.pop(ray_trial, None)
        return self.assignments.pop(ray_trial, None)

    def lost(self, ray_trial: str, loss: Loss) -> None:
        """The actor or its node is gone. Nothing happens where the controller had let go of the trial already."""
        assignment = self.let_go(ray_trial)
        if assignment is None:
            return
        why = loss.why
        if loss.kind == EVICTED:
            why = f"its node ran short of memory with {values_text(assignment)}: {why}"
        failure = Failure(
            assignment.trial, assignment.attempt, loss.kind, why, node=loss.node, node_gone=loss.node_gone
        )
        self.controller.on_failure(failure)


class _Unpicklable:
    """An adapter without its desk: what Tune may pickle."""

    desk: Desk

    def __getstate__(self) -> dict[str, Any]:
        return {}


class ControllerSearcher(_Unpicklable, Searcher):  # type: ignore[misc]
    """Hands the controller's assignments to Tune."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def suggest(self, trial_id: str) -> Any:
        assignment = self.desk.take(trial_id)
        if assignment is not None:
            return {ASSIGNMENT: assignment}
        # None means "not now": a lost trial may yet come back to be handed out
        return Searcher.FINISHED if self.desk.controller.done else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """The scheduler's side has told the controller."""

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a sweep is resumed from the journal."""


class ControllerScheduler(_Unpicklable, FIFOScheduler):  # type: ignore[misc]
    """Passes each epoch's report to the controller, and its answer to Tune."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._idle = IdleActor()

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        survive_evictions(tune_controller)
        avoid(self.desk.controller.avoided_nodes(), self.desk.resources, tune_controller)
        super().on_trial_add(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Who takes over the worker of a trial that has ended: the last in the row. Tune gives up the worker that such
        a trial had asked for; were it the first one's, a worker that takes longer to start than a trial to end would
        never be there, and a node that is new, or lost a worker, would stay idle. Tune's list of all trials would do as
        well, but this is asked at each step, and by a sweep's end most of those have ended."""
        self._idle.look(tune_controller)
        row = reversed(tune_controller._pending_trials_list)
        return next((trial for trial in row if trial.status == Trial.PENDING), None)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        going = self.desk.tell(trial.trial_id, result[MESSAGE], result["node"])
        return str(TrialScheduler.CONTINUE if going else TrialScheduler.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        self.desk.lost(
            trial.trial_id, loss_of(_last_error(trial), self.desk.nodes.get(trial.trial_id), self.desk.taken)
        )
        avoid(self.desk.controller.avoided_nodes(), self.desk.resources, tune_controller)


class ControllerStopper(_Unpicklable, tune.Stopper):  # type: ignore[misc]
    """Ends Tune's loop once the controller wants to stop."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.desk.controller.stopping is not None


class ControllerCallback(_Unpicklable, tune.Callback):  # type: ignore[misc]
    """Starts and the passing of time; kills the actors of silent trials."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        assignment = self.desk.assignments.get(trial.trial_id)
        if assignment is not None:
            self.desk.controller.started(assignment.trial, assignment.attempt)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        silent = self.desk.controller.silent_trials()
        if silent:
            self._kill(silent, trials)
        self.desk.on_step()

    def _kill(self, silent: tuple[str, ...], trials: list[Any]) -> None:
        by_id = {trial.trial_id: trial for trial in trials}
        for ray_trial, assignment in list(self.desk.assignments.items()):
            if assignment.trial in silent:
                self.desk.let_go(ray_trial)
                actor = by_id[ray_trial].temporary_state.ray_actor
                if actor is not None:
                    ray.kill(actor)


def _last_error(trial: Any) -> BaseException | None:
    """What Tune has just written beside the trial; `trial.get_pickled_error` looks where it is only copied to later."""
    path = trial.pickled_error_file
    if path is None or not Path(path).is_file():
        return None
    error: BaseException = pickle.loads(Path(path).read_bytes())
    return error
