"""A loaded network gives, from raw inputs alone, what its trial reported: for every kind of target."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tuner.errors import InputError
from tuner.records.epochs import Assignment, Report
from tuner.training.data import Splits, load_splits, raw
from tuner.training.loaded import LoadedModel, load_weights
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Examples, Task
from tuner.training.worker import TrialWorker

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(90, 3)) * [1, 20, 300] + [0, 5, -70]).astype(np.float32)
IMAGES = (RNG.random(size=(40, 2, 6, 8)) * 200).astype(np.float32)


class Values(Task):
    kind = "values"

    def load(self, folder: Path | None) -> Examples:
        y = np.exp((X - [0, 5, -70]) @ np.array([1.0, -0.05, 0.002])) * 1000
        return Examples(X, np.stack([y, 3 * y], 1))


class Mask(Task):
    kind = "mask"

    def load(self, folder: Path | None) -> Examples:
        return Examples(IMAGES, IMAGES[:, :1] > 100)


class Tokens(Task):
    kind = "tokens"

    def load(self, folder: Path | None) -> Examples:
        text = np.tile(np.arange(5), 200)[:840].reshape(40, 21)
        return Examples(text[:, :-1], text[:, 1:], ordered=True, vocabulary=5)


class Itself(Task):
    kind = "itself"

    def load(self, folder: Path | None) -> Examples:
        return Examples(IMAGES)


class Own:
    """A Dataset, a loss of its own, and a network that gives something beside its outputs."""

    outputs = 1
    train = TensorDataset(torch.from_numpy(X[:60]) / 100, torch.from_numpy(X[:60, :1]))
    val = DataLoader(TensorDataset(torch.from_numpy(X[60:]) / 100, torch.from_numpy(X[60:, :1])), batch_size=30)

    @staticmethod
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs - targets).abs().mean()


def dense(task: TaskInfo) -> nn.Module:
    return nn.Conv2d(task.input_shape[0], task.outputs, 1)


def embedded(task: TaskInfo) -> nn.Module:
    return nn.Sequential(nn.Embedding(task.vocabulary, 8), nn.Linear(8, task.outputs))


class WithExtra(nn.Linear):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x), 0.01 * self.weight.square().sum()


def with_extra(task: TaskInfo) -> nn.Module:
    return WithExtra(3, task.outputs)


def trained(task: str, model: str, folder: Path, **fixed: Any) -> tuple[LoadedModel, Any, dict[str, float]]:
    """(the network as it is loaded, the splits, what its best epoch reported)."""
    sys.modules["loaded_tasks"] = sys.modules[__name__]
    plan = TrainingPlan(
        f"loaded_tasks:{task}",
        str(folder / "run" / "checkpoints"),
        model=model,
        fixed={"lr": 0.05, "batch_size": 8} | fixed,
        max_epochs=4,
    )
    splits = load_splits(plan)
    worker = TrialWorker(plan, splits)
    worker.open(Assignment("0007", 1, {}, 3, 4))
    reports = []
    for _ in range(4):
        message = worker.step()
        assert isinstance(message, Report), message
        reports.append(message)
    worker.close()
    loaded = load_weights(folder / "run/checkpoints/0007/best.safetensors")
    assert (loaded.record.run, loaded.record.trial) == ("run", "0007")
    return loaded, splits, dict(reports[loaded.record.epoch - 1].epoch.metrics)


@pytest.mark.parametrize("targets", ["raw", "standardised", "log"])
@pytest.mark.parametrize("standardise", [True, False])
def test_values_are_predicted_in_their_own_unit(tmp_path: Path, targets: str, standardise: bool) -> None:
    loaded, splits, reported = trained("Values", "softmax", tmp_path, targets=targets, standardise=standardise)
    assert isinstance(splits, Splits)
    found = loaded.predict(raw(splits.val_x, splits))
    assert found.shape == (len(splits.val_x), 2)
    assert np.sqrt(((found - splits.val_y) ** 2).mean()) == pytest.approx(reported["val_rmse"], rel=1e-3)
    assert np.abs(found - splits.val_y).mean() == pytest.approx(reported["val_mae"], rel=1e-3)


def test_a_mask_is_the_probability_of_each_place_at_any_size(tmp_path: Path) -> None:
    loaded, splits, reported = trained("Mask", "loaded_tasks:dense", tmp_path)
    found = loaded.predict(raw(splits.val_x, splits)) > 0.5
    wanted = splits.val_y > 0.5
    iou = (found & wanted).sum((1, 2, 3)) / (found | wanted).sum((1, 2, 3))
    assert iou.mean() == pytest.approx(reported["val_iou"], rel=1e-4)
    assert loaded.predict(np.zeros((1, 2, 12, 10))).shape == (1, 1, 12, 10)
    with pytest.raises(InputError, match=r"\[N, 2, 6, 8\]"):
        loaded.predict(np.zeros((2, 6, 8)))


def test_tokens_have_a_probability_at_each_step(tmp_path: Path) -> None:
    loaded, splits, reported = trained("Tokens", "loaded_tasks:embedded", tmp_path)
    found = loaded.predict(splits.val_x)
    rows, steps = np.indices(splits.val_y.shape)
    bits = -np.log2(found[rows, steps, splits.val_y])
    assert bits.mean() == pytest.approx(reported["val_bits"], rel=1e-4)
    assert loaded.predict(np.array([[0, 1, 2]])).shape == (1, 3, 5)


@pytest.mark.parametrize("standardise", [True, False])
def test_what_is_its_own_target_comes_back_in_its_own_unit(tmp_path: Path, standardise: bool) -> None:
    loaded, splits, reported = trained("Itself", "loaded_tasks:dense", tmp_path, standardise=standardise)
    x = raw(splits.val_x, splits)
    deviation = splits.deviation if standardise else 1.0
    rmse = np.sqrt((((loaded.predict(x) - x) / deviation) ** 2).mean())
    assert rmse == pytest.approx(reported["val_rmse"], rel=1e-3)


def test_a_task_of_ones_own_gets_the_outputs_as_they_are(tmp_path: Path) -> None:
    loaded, _, reported = trained("Own", "loaded_tasks:with_extra", tmp_path)
    found = loaded.predict(X[60:] / 100)
    penalty = 0.01 * float(loaded.model.weight.detach().square().sum())  # type: ignore[operator, union-attr]
    assert np.abs(found - X[60:, :1]).mean() + penalty == pytest.approx(reported["val_loss"], rel=1e-4)
    assert loaded.record.inputs.dtype == "float32"
    with pytest.raises(InputError, match=r"\[N, 3\]"):
        loaded.predict([{"x": 1}])


def test_many_inputs_go_through_in_parts(tmp_path: Path) -> None:
    loaded, splits, _ = trained("Values", "softmax", tmp_path)
    x = np.tile(raw(splits.val_x, splits), (40, 1))
    assert len(x) > 512
    assert np.allclose(loaded.predict(x), np.concatenate([loaded.predict(x[i : i + 1]) for i in range(len(x))]))
