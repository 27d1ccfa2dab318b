"""Several workers in one trial: the actor that Tune knows is rank 0, and its helpers live in its placement group.

Helpers stay for as long as their actor does, so that a further trial costs no start; they belong to it, so Ray ends
them when it is gone. A trial that raises or runs out of memory in one worker leaves all of them usable: the others are
woken up, and the next trial begins with a new group. A helper that dies takes its actor with it, so that the trial is
lost as any trial whose worker is: it goes back to its last checkpoint on a whole new set.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import ray

from tuner.launch.cluster import TrialResources
from tuner.launch.helper import Message, Stamped, helper_actor
from tuner.launch.worker import HelperLost
from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.failures import BROKEN, GroupBroken
from tuner.training.group import Group
from tuner.training.plan import TrainingPlan
from tuner.training.worker import TrialWorker

FAREWELL_SECONDS = 60.0
"""How long a worker may take to notice that another has failed; one that takes longer is ended."""
REST_SECONDS = 5.0
"""How much longer than on rank 0 a loop of the user's own may go on in other workers before it is told to stop."""
START_SECONDS = 1800.0
"""How long helpers may take to start. Their places are reserved, so only a node that is lost just then delays them."""
LOOK_SECONDS = 1.0
"""How often the watch looks whether it is still needed."""


class GroupWorker:
    """Rank 0 and its helpers, which behave as one worker."""

    def __init__(self, plan: list[Any], splits: list[Any], resources: TrialResources) -> None:
        """Raises HelperLost where the helpers do not start."""
        self._references = (plan, splits)
        self._resources = resources
        self._plan: TrainingPlan = ray.get(plan[0])
        self._group = Group(0, resources.workers, ray.util.get_node_ip_address())
        self._helpers: dict[int, Any] = {}
        """By rank."""
        self._nodes: dict[int, str] = {}
        """Rank -> its node."""
        self._epochs: dict[int, Any] = {}
        """Rank -> its answer to `step`; that of a loop of the user's own comes when the loop ends."""
        self._together = False
        """Whether the group of the last trial still holds."""
        self._ended = False
        """Whether the trial had all its epochs, or finished of its own will."""
        self._lost: HelperLost | None = None
        self._start()
        self._own = TrialWorker(self._plan, ray.get(splits[0]) if splits else None, self._group)

    def open(self, assignment: Assignment) -> None:
        if not self._helpers:
            self._start()
        self._ended = False
        meeting = None if self._together else self._group.open_door()
        opened = [helper.open.remote(assignment, meeting) for helper in self._helpers.values()]
        with self._watched(opened):
            try:
                if meeting is not None:
                    self._group.join(meeting)
                self._together = True
                self._own.open(assignment)
            except GroupBroken as error:
                self._lost = HelperLost(str(error))

    def step(self) -> Message:
        """Raises HelperLost where a helper is gone or does not answer."""
        if self._lost is not None:
            raise self._lost
        for rank, helper in self._helpers.items():
            if rank not in self._epochs:
                self._epochs[rank] = helper.step.remote()
        with self._watched(list(self._epochs.values())):
            mine = self._own.step(), self._own.failed_at
        said = {0: mine, **self._answers(mine[0])}
        failures = {rank: (message, at) for rank, (message, at) in said.items() if isinstance(message, Failure)}
        if not failures:
            self._ended = self._is_last(mine[0])
            return mine[0]
        self._together = False
        return self._cause(failures)

    def close(self) -> None:
        self._own.close()
        if self._epochs and not self._have_ended(REST_SECONDS if self._ended else 0.0):
            self._group.leave()
            self._together = False
            self._wake()
            if not self._have_ended(FAREWELL_SECONDS):
                self._dismiss()
        self._epochs.clear()
        for helper in self._helpers.values():
            helper.close.remote()

    def _have_ended(self, seconds: float) -> bool:
        """Whether the loops of the user's own have, within that time."""
        waiting = list(self._epochs.values())
        return not ray.wait(waiting, num_returns=len(waiting), timeout=seconds)[1]

    def _is_last(self, message: Message | None) -> bool:
        assert isinstance(message, Report)
        return message.finished is not None or message.epoch.epoch >= self._plan.max_epochs

    def _start(self) -> None:
        size = self._resources.workers
        self._helpers = {rank: helper_actor(self._resources, rank).remote(rank, size) for rank in range(1, size)}
        try:
            prepared = [helper.prepare.remote(*self._references) for helper in self._helpers.values()]
            self._nodes = dict(zip(self._helpers, ray.get(prepared, timeout=START_SECONDS), strict=True))
        except ray.exceptions.RayTaskError as error:
            self._dismiss()
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise HelperLost(f"a worker did not start: {error}") from error

    def _wake(self) -> None:
        """Waits for it, or it might reach them in their next trial."""
        woken = [helper.wake.remote() for helper in self._helpers.values()]
        ray.wait(woken, num_returns=len(woken), timeout=FAREWELL_SECONDS)

    def _dismiss(self) -> None:
        for helper in self._helpers.values():
            ray.kill(helper)
        self._helpers, self._epochs = {}, {}

    def _answers(self, mine: Message) -> dict[int, Stamped]:
        """What the helpers say. Rank 0 ends an epoch when all do, but for loops of the user's own: what these report
        elsewhere does not count. Where it failed, the others are woken, and who does not answer then is ended."""
        waiting = list(self._epochs.values())
        limit = None if self._plan.loop is None else 0.0
        if isinstance(mine, Failure):
            self._wake()
            limit = FAREWELL_SECONDS
        ended, late = ray.wait(waiting, num_returns=len(waiting), timeout=limit)
        ranks = {reference: rank for rank, reference in self._epochs.items()}
        answers = {ranks[reference]: self._answer(ranks[reference]) for reference in ended}
        if late and isinstance(mine, Failure):
            self._dismiss()
        return answers

    def _answer(self, rank: int) -> Stamped:
        try:
            stamped: Stamped = ray.get(self._epochs[rank] if self._plan.loop else self._epochs.pop(rank))
        except ray.exceptions.RayError as error:
            evicted, node = isinstance(error, ray.exceptions.OutOfMemoryError), self._nodes.get(rank)
            raise HelperLost(
                f"worker {rank} of {self._resources.workers}: {_first_line(error)}", evicted, node
            ) from error
        return stamped

    def _cause(self, failures: dict[int, tuple[Failure, float]]) -> Failure:
        """The first failure that is none of another's making."""
        causes = {rank: at for rank, (failed, at) in failures.items() if failed.kind != BROKEN}
        if not causes:
            raise HelperLost(failures[min(failures)][0].message)
        first = min(causes, key=causes.__getitem__)
        failed = failures[first][0]
        return replace(failed, message=f"{failed.message} (worker {first} of {self._resources.workers})")

    @contextmanager
    def _watched(self, references: list[Any]) -> Iterator[None]:
        """While inside, a helper that fails or dies is noticed, even where rank 0 waits for it on a GPU."""
        over = threading.Event()
        threading.Thread(target=self._watch, args=(references, over), daemon=True, name="helpers").start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, waiting: list[Any], over: threading.Event) -> None:
        while waiting and not over.is_set():
            ended, waiting = ray.wait(waiting, timeout=LOOK_SECONDS)
            if any(_failed(reference) for reference in ended) and not over.is_set():
                self._group.abort()
                if not over.wait(FAREWELL_SECONDS):
                    os._exit(1)  # nothing else frees a process from a wait in the driver of a GPU: the trial is lost
                return


def _failed(reference: Any) -> bool:
    try:
        return isinstance(ray.get(reference)[0], Failure)
    except ray.exceptions.RayError:
        return True


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
