"""Processes that load a Dataset's batches: the same batches however many there are, and after a resume."""

from __future__ import annotations

import itertools
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from tuner.records.epochs import Assignment, Report
from tuner.training.data import load_splits
from tuner.training.loader_workers import LoaderWorkers
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import TaskInfo
from tuner.training.worker import TrialWorker

X = torch.randn(48, 4, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).long()


class Noisy(Dataset[Any]):
    """Draws from all three generators that a user's augmentation may use."""

    def __init__(self, start: int, end: int) -> None:
        self.rows = range(start, end)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = torch.randn(4) + random.random() + np.random.random()
        return X[self.rows[i]] + 0.1 * drawn.float(), Y[self.rows[i]]


class Where(Dataset[Any]):
    """Which process loads."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, i: int) -> tuple[int, int, int]:
        return i, os.getpid(), torch.get_num_threads()


class Task:
    loss = "cross_entropy"
    outputs = 2
    train = Noisy(0, 36)
    val = Noisy(36, 48)


def network(task: TaskInfo) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, task.outputs))


def reports(folder: Path, processes: int, epochs: int, **given: Any) -> list[Any]:
    sys.modules["worker_tasks"] = sys.modules[__name__]
    plan = TrainingPlan(
        "worker_tasks:Task",
        str(folder),
        model="worker_tasks:network",
        fixed={"lr": 0.05, "batch_size": 8},
        max_epochs=3,
        data_processes=processes,
    )
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(Assignment("0000", given.pop("attempt", 1), {}, 3, 3, **given))
    found = []
    for _ in range(epochs):
        message = worker.step()
        assert isinstance(message, Report), message
        found.append(message.epoch.metrics)
    worker.close()
    return found


def test_a_resumed_trial_sees_what_it_would_have_seen(tmp_path: Path) -> None:
    whole = reports(tmp_path / "a", 2, 3)
    first = reports(tmp_path / "b", 2, 1)
    rest = reports(tmp_path / "b", 1, 2, attempt=2, after_epoch=1)  # with fewer processes, too
    assert first + rest == whole
    assert whole[0]["train_loss"] != whole[1]["train_loss"]


def test_the_processes_serve_all_epochs_and_both_splits() -> None:
    workers = LoaderWorkers(Where(), Where(), 2, pinned=False)
    rows = [range(4), range(4, 8), range(8, 12)]
    before = torch.get_rng_state()
    found = [list(workers.batches(part, rows, 0)) for part in ("train", "val", "train")]
    assert torch.equal(torch.get_rng_state(), before)
    for batches in found:
        assert [batch[0].tolist() for batch in batches] == [list(some) for some in rows]
    pids = [{pid for batch in batches for pid in batch[1].tolist()} for batches in found]
    assert pids[0] == pids[1] == pids[2]
    assert len(pids[0]) == 2
    assert os.getpid() not in pids[0]
    assert {int(threads) for batches in found for batch in batches for threads in batch[2]} == {1}


def test_what_was_not_taken_of_an_epoch_is_not_in_the_next() -> None:
    workers = LoaderWorkers(Where(), Where(), 1, pinned=False)
    list(itertools.islice(workers.batches("train", [[n] for n in range(12)], 0), 2))
    assert [int(batch[0][0]) for batch in workers.batches("train", [[7], [3]], 0)] == [7, 3]


def test_a_tensor_dataset_is_read_a_batch_at_a_time(tmp_path: Path, monkeypatch: Any) -> None:
    def by_example(self: Any, row: Any) -> Any:
        raise AssertionError("one example was asked for")

    monkeypatch.setattr(Task, "train", TensorDataset(X[:36], Y[:36]))
    monkeypatch.setattr(Task, "val", TensorDataset(X[36:], Y[36:]))
    sys.modules["worker_tasks"] = sys.modules[__name__]
    plan = TrainingPlan("worker_tasks:Task", str(tmp_path), model="worker_tasks:network", max_epochs=2)
    splits = load_splits(plan)
    monkeypatch.setattr(TensorDataset, "__getitem__", by_example)
    worker = TrialWorker(plan, splits)
    worker.open(Assignment("0000", 1, {"lr": 0.1}, 3, 2))
    losses = []
    for _ in range(2):
        message = worker.step()
        assert isinstance(message, Report), message
        losses.append(message.epoch.metrics["train_loss"])
    assert losses[1] < losses[0]
