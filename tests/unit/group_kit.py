"""The workers of one trial as processes of this machine, without Ray: for tests of what they compute.

They are started once and train one trial after another, as a launcher's would.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ClassVar

import torch
import training_kit as kit

from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.data import load_splits
from tuner.training.group import Group
from tuner.training.plan import TrainingPlan
from tuner.training.worker import TrialWorker

Said = list[Report | Failure]
Act = Callable[[TrialWorker, Group, int], None]
"""What a worker does before an epoch: (worker, group, epochs before)."""


class Workers:
    """So many processes, each with a place in one group."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        pairs = [context.Pipe() for _ in range(size)]
        self.pipes = [mine for mine, _ in pairs]
        self.jobs = [context.Process(target=_serve, args=(pair[1], rank, size)) for rank, pair in enumerate(pairs)]
        for job, (_, theirs) in zip(self.jobs, pairs, strict=True):
            job.start()
            theirs.close()

    def train(self, plan: TrainingPlan, assignment: Assignment, epochs: int | None = None, act: str = "") -> list[Said]:
        """What each of them says, epoch by epoch until it fails; rank 0 first. Nothing of one that died."""
        for pipe in self.pipes:
            pipe.send((plan, assignment, epochs or plan.max_epochs, act))
        meeting = self.pipes[0].recv()
        for pipe in self.pipes[1:]:
            pipe.send(meeting)
        return [_received(pipe) for pipe in self.pipes]

    def end(self) -> None:
        for job in self.jobs:
            job.kill()
            job.join()


def _received(pipe: Connection) -> Said:
    assert pipe.poll(120), "a worker said nothing for two minutes"
    try:
        said: Said = pipe.recv()
    except EOFError:
        return []
    return said


def _serve(pipe: Connection, rank: int, size: int) -> None:
    torch.set_num_threads(1)
    group = Group(rank, size)
    while True:
        plan, assignment, epochs, act = pipe.recv()
        if rank == 0:
            meeting = group.open_door()
            pipe.send(meeting)
        else:
            meeting = pipe.recv()
        group.join(meeting)
        splits = kit.digits() if plan.task == "digits" else load_splits(plan)
        pipe.send(_train(TrialWorker(plan, splits, group), group, assignment, epochs, ACTS[act]))


def _train(worker: TrialWorker, group: Group, assignment: Assignment, epochs: int, act: Act) -> Said:
    worker.open(assignment)
    said: Said = []
    for number in range(epochs):
        act(worker, group, number)
        said.append(worker.step())
        if isinstance(said[-1], Failure) or said[-1].finished:
            break
    worker.close()
    return said


class Shuffled:
    """A task whose DataLoader draws its own order, and whose network is stepped by the task."""

    outputs = 3

    def train(self) -> Any:
        return torch.utils.data.DataLoader(self._examples(70), batch_size=16, shuffle=True)

    def val(self) -> Any:
        return self._examples(30)

    def step(self, model: torch.nn.Module, batch: Any) -> Any:
        outputs = model(batch[0])
        return torch.nn.functional.cross_entropy(outputs, batch[1])

    def _examples(self, count: int) -> Any:
        x = torch.randn(count, 5, generator=torch.Generator().manual_seed(count))
        return torch.utils.data.TensorDataset(x, (x.sum(1) > 0).long() + (x[:, 0] > 1).long())


class _Planted(torch.nn.Module):
    """A network that raises in training."""

    error: ClassVar[Exception]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error


def _nothing(worker: TrialWorker, group: Group, number: int) -> None:
    pass


def _raising(error: Exception, at: int) -> Act:
    def act(worker: TrialWorker, group: Group, number: int) -> None:
        if group.rank == at and number == 1:
            planted = _Planted()
            planted.error = error  # type: ignore[misc]
            session: Any = worker._session
            session.trainer.model = planted

    return act


def _dies(worker: TrialWorker, group: Group, number: int) -> None:
    if group.rank == 1 and number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


ACTS: dict[str, Act] = {
    "": _nothing,
    "rank 0 raises": _raising(ValueError("planted"), 0),
    "rank 1 raises": _raising(ValueError("planted"), 1),
    "rank 1 is out of memory": _raising(torch.OutOfMemoryError("planted"), 1),
    "rank 1 dies": _dies,
}
