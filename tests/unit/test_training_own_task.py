"""A task of the user's own: arrays, a Dataset, a DataLoader; its own loss, metrics and step."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tuner.errors import InputError
from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.data import find_task, load_splits, load_test
from tuner.training.own_task import OwnTask
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import Streamed, TaskInfo
from tuner.training.worker import TrialWorker

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(90, 4, generator=GENERATOR)
Y = (X[:, 0] > 0).long()


class Arrays:
    train = (X[:60].numpy(), Y[:60].numpy())
    val = (X[60:80].numpy(), Y[60:80].numpy())
    test = (X[80:].numpy(), Y[80:].numpy())


class Data:
    outputs = 2
    loss = "cross_entropy"

    def train(self) -> TensorDataset:
        return TensorDataset(X[:60], Y[:60])

    @property
    def val(self) -> TensorDataset:
        return TensorDataset(X[60:], Y[60:])


class Loaders:
    outputs = 2
    loss = "cross_entropy"

    def train(self, config: Mapping[str, Any]) -> DataLoader[Any]:
        return DataLoader(TensorDataset(X[:60], Y[:60]), batch_size=config["batch_size"], shuffle=True)

    def val(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(X[60:], Y[60:]), batch_size=20)


class Stepped:
    """Batches of its own form, a loss of its own, a metric of its own."""

    outputs = 1
    metrics = {"right": lambda outputs, targets: ((outputs[:, 0] > 0) == (targets[:, 0] > 0.5)).float()}  # noqa: RUF012

    class Named(torch.utils.data.Dataset[Any]):
        def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
            self.x, self.y = x, y

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
            return {"x": self.x[i], "y": self.y[i].float()}

    train = Named(X[:60], Y[:60])
    val = Named(X[60:], Y[60:])

    def step(self, model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        outputs, targets = model(batch["x"]), batch["y"][:, None]
        return nn.functional.binary_cross_entropy_with_logits(outputs, targets), outputs, targets


class OwnLoss:
    train = (X[:60], X[:60, :1] * 2)
    val = (X[60:], X[60:, :1] * 2)
    metrics: Mapping[str, Any] = {"worst": lambda outputs, targets: (outputs - targets).abs().max()}

    @staticmethod
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs - targets).abs().mean()


def network(task: TaskInfo) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, task.outputs))


def plan(name: str, folder: Path, **fixed: Any) -> TrainingPlan:
    sys.modules["own_tasks"] = sys.modules[__name__]
    return TrainingPlan(
        f"own_tasks:{name}", str(folder), model="own_tasks:network", fixed={"lr": 0.05, **fixed}, max_epochs=4
    )


def reports(plan: TrainingPlan, epochs: int, **given: Any) -> list[Report]:
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(Assignment("0000", given.pop("attempt", 1), {}, 3, plan.max_epochs, **given))
    found = []
    for _ in range(epochs):
        message = worker.step()
        assert isinstance(message, Report), message
        found.append(message)
    worker.close()
    return found


NAMES = ["Arrays", "Data", "Loaders", "Stepped", "OwnLoss"]


@pytest.mark.parametrize("name", NAMES)
def test_each_form_of_data_learns(name: str, tmp_path: Path) -> None:
    fixed = {} if name == "OwnLoss" else {"batch_size": 10}
    seen = reports(plan(name, tmp_path, **fixed), 4)
    assert seen[-1].epoch.metrics["val_loss"] < seen[0].epoch.metrics["val_loss"]
    facts = seen[0].facts
    assert facts is not None
    assert facts.n_train == 60
    assert facts.steps_per_epoch == (1 if name == "OwnLoss" else 6)


@pytest.mark.parametrize("name", NAMES)
def test_each_form_of_data_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    whole = reports(plan(name, tmp_path / "a", batch_size=10), 4)
    reports(plan(name, tmp_path / "b", batch_size=10), 2)
    rest = reports(plan(name, tmp_path / "b", batch_size=10), 2, attempt=2, after_epoch=2)
    assert [each.epoch.metrics for each in rest] == [each.epoch.metrics for each in whole[2:]]


def test_its_own_metrics_are_reported(tmp_path: Path) -> None:
    seen = reports(plan("Stepped", tmp_path, batch_size=10), 4)[-1].epoch.metrics
    assert 0.5 < seen["val_right"] <= 1
    assert "train_right" in seen
    assert "val_worst" in reports(plan("OwnLoss", tmp_path / "b"), 1)[0].epoch.metrics


def test_arrays_are_shared_and_the_rest_is_opened_by_each_worker(tmp_path: Path) -> None:
    assert not isinstance(load_splits(plan("Arrays", tmp_path)), Streamed)
    x, y = load_test(plan("Arrays", tmp_path))
    assert np.array_equal(x, X[80:].numpy())
    assert y is not None
    assert np.array_equal(y, Y[80:].numpy())
    told = load_splits(plan("Loaders", tmp_path, batch_size=10))
    assert isinstance(told, Streamed)
    assert (told.task.input_shape, told.task.n_train, told.n_val) == ((4,), 60, 30)
    with pytest.raises(InputError, match="final-test"):
        load_test(plan("Loaders", tmp_path, batch_size=10))


def test_a_batch_size_for_a_loader_of_its_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loaders, "train", DataLoader(TensorDataset(X[:60], Y[:60]), batch_size=10))
    told = plan("Loaders", tmp_path, batch_size=10)
    worker = TrialWorker(told, load_splits(told))
    worker.open(Assignment("0000", 1, {}, 3, 4))
    message = worker.step()
    assert isinstance(message, Failure)
    assert "batch_size" in message.message + message.traceback


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loss": 3}, "loss"),
        ({"metrics": ["accuracy"]}, "metrics"),
        ({"step": 1}, "step"),
        ({"kind": "picture"}, "kind"),
    ],
)
def test_what_cannot_be_meant_is_said(wrong: dict[str, Any], said: str) -> None:
    made = type("Wrong", (), {"train": (X, Y), "val": (X, Y), **wrong})()
    with pytest.raises(InputError, match=said):
        OwnTask(made, "own_tasks:Wrong")


def test_a_number_of_classes_that_nobody_knows_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Data, "outputs", 0)
    with pytest.raises(InputError, match="outputs = 10"):
        load_splits(plan("Data", tmp_path))


def test_something_that_is_no_task_is_refused() -> None:
    sys.modules["own_tasks"] = sys.modules[__name__]
    with pytest.raises(InputError, match="`train` and `val`"):
        find_task("own_tasks:NAMES")
