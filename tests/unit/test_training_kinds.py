"""Tasks of every kind of target: what is reported, on which scale, and against which baseline."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuner.errors import InputError
from tuner.records.epochs import Assignment, Failure, Report
from tuner.training.augmentation import Augmentation
from tuner.training.baselines import baseline_loss
from tuner.training.data import load_splits, load_test
from tuner.training.device_data import DeviceCache
from tuner.training.kinds import KINDS, reported
from tuner.training.losses import Objective
from tuner.training.plan import TrainingPlan
from tuner.training.scores import SCORES, Scores
from tuner.training.target_scale import target_scale
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Examples, Task
from tuner.training.worker import TrialWorker

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3)).astype(np.float32)
IMAGES = RNG.random(size=(40, 1, 8, 8)).astype(np.float32)


class Values(Task):
    kind = "values"

    def load(self, folder: Path | None) -> Examples:
        return Examples(X, np.exp(X @ np.array([1.0, -1.0, 0.5])) * 1000)


class Mask(Task):
    kind = "mask"

    def load(self, folder: Path | None) -> Examples:
        return Examples(IMAGES, IMAGES > 0.5)


class Tokens(Task):
    kind = "tokens"

    def load(self, folder: Path | None) -> Examples:
        text = np.tile(np.arange(5), 200)[:840].reshape(40, 21)
        return Examples(text[:, :-1], text[:, 1:], ordered=True, vocabulary=5)


class Itself(Task):
    kind = "itself"
    standardised = False

    def load(self, folder: Path | None) -> Examples:
        return Examples(IMAGES)


def dense(task: TaskInfo) -> nn.Module:
    return nn.Conv2d(task.input_shape[0], task.outputs, 1)


def embedded(task: TaskInfo) -> nn.Module:
    return nn.Sequential(nn.Embedding(task.vocabulary, 8), nn.Linear(8, task.outputs))


def plan(kind: str, folder: Path, **given: Any) -> TrainingPlan:
    sys.modules["kind_tasks"] = sys.modules[__name__]
    model = {"values": "softmax", "mask": "kind_tasks:dense", "itself": "kind_tasks:dense"}.get(
        kind, "kind_tasks:embedded"
    )
    fixed = {"lr": 0.05, "batch_size": 8} | given.pop("fixed", {})
    return TrainingPlan(
        f"kind_tasks:{kind.title()}", str(folder), model=given.pop("model", model), fixed=fixed, max_epochs=5, **given
    )


def train(plan: TrainingPlan) -> list[Report]:
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(Assignment("0000", 1, {}, 0, plan.max_epochs))
    reports = []
    for _ in range(plan.max_epochs):
        message = worker.step()
        assert isinstance(message, Report), message
        reports.append(message)
    worker.close()
    return reports


@pytest.mark.parametrize("kind", ["values", "mask", "tokens", "itself"])
def test_each_kind_learns_and_reports_what_it_says(kind: str, tmp_path: Path) -> None:
    reports = train(plan(kind, tmp_path, fixed={"targets": "standardised"} if kind == "values" else {}))
    assert set(reports[-1].epoch.metrics) == set(reported(KINDS[kind].metrics))
    assert reports[-1].epoch.metrics["val_loss"] < reports[0].epoch.metrics["val_loss"]
    facts = reports[0].facts
    assert facts is not None
    assert facts.num_classes is None
    assert facts.baseline_loss is not None


def test_metrics_are_in_the_targets_own_unit_whatever_the_scale(tmp_path: Path) -> None:
    raw, scaled = (
        train(plan("values", tmp_path / name, fixed={"targets": name, "lr": 1e-9}))[0].epoch.metrics
        for name in ("raw", "standardised")
    )
    y = load_splits(plan("values", tmp_path)).val_y
    assert raw["val_rmse"] == pytest.approx(float(np.sqrt(np.square(y).mean())), rel=0.01)
    assert scaled["val_loss"] < 10 < scaled["val_rmse"]


def test_log_targets_go_there_and_back() -> None:
    y = torch.tensor([[1.0], [10.0], [100.0]])
    scale = target_scale("log", "values", y)
    assert scale is not None
    assert torch.allclose(scale.unscale(scale.scale(y)), y, rtol=1e-5)
    assert scale.scale(y).mean().item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match="logarithm"):
        target_scale("log", "values", y - 1)
    with pytest.raises(InputError, match="learns numbers"):
        target_scale("log", "classes", y)


def test_rows_in_order_are_cut_without_gaps(tmp_path: Path) -> None:
    class Ordered(Tokens):
        def load(self, folder: Path | None) -> Examples:
            return Examples(np.arange(50)[:, None], np.arange(50)[:, None], ordered=True, vocabulary=50)

    sys.modules["ordered_tasks"] = type(sys)("ordered_tasks")
    sys.modules["ordered_tasks"].Ordered = Ordered  # type: ignore[attr-defined]
    told = TrainingPlan("ordered_tasks:Ordered", str(tmp_path))
    splits, (test_x, _) = load_splits(told), load_test(told)
    assert sorted(splits.train_x[:, 0]) == list(range(30))
    assert sorted(splits.val_x[:, 0]) == list(range(30, 40))
    assert sorted(test_x[:, 0]) == list(range(40, 50))


def test_tokens_are_not_standardised(tmp_path: Path) -> None:
    cache = DeviceCache(load_splits(plan("tokens", tmp_path)), torch.device("cpu"))
    assert cache.get().train_x.dtype == torch.int64
    with pytest.raises(InputError, match="tokens"):
        cache.get(standardise=True)


def test_a_loss_of_another_kind_is_refused(tmp_path: Path) -> None:
    told = plan("values", tmp_path, fixed={"loss": "cross_entropy"})
    worker = TrialWorker(told, load_splits(told))
    worker.open(Assignment("0000", 1, {}, 0, 5))
    message = worker.step()
    assert isinstance(message, Failure)
    assert "mse, mae, huber" in message.message + message.traceback


def test_scores_by_hand() -> None:
    logits, mask = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]]]), torch.tensor([[[[1.0, 0.0, 1.0, 0.0]]]])
    assert SCORES["iou"](logits, mask).tolist() == pytest.approx([1 / 3])
    assert SCORES["dice"](logits, mask).tolist() == pytest.approx([1 / 2])
    assert SCORES["iou"](-torch.ones(1, 4), torch.zeros(1, 4)).tolist() == [1.0]
    even = torch.zeros(2, 3, 4)  # two sequences of three steps, four tokens, all alike
    assert SCORES["bits"](even, torch.zeros(2, 3, dtype=torch.long)).tolist() == pytest.approx([2.0, 2.0])
    scores = Scores({"rmse": SCORES["rmse"], "mae": SCORES["mae"]})
    scores.start()
    scores.add(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [5.0]]))
    scores.add(torch.tensor([[0.0]]), torch.tensor([[1.0]]))
    found = {name: value.item() for name, value in scores.found().items()}
    assert found == pytest.approx({"rmse": math.sqrt(10 / 3), "mae": 4 / 3})
    errors = scores.errors([scores.each(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [5.0]]))])
    assert errors["mae"] == pytest.approx(np.std([0, 3], ddof=1) / math.sqrt(2))


def test_baselines_by_hand() -> None:
    y = torch.tensor([[1.0], [2.0], [6.0]])
    assert baseline_loss("mse", "values", y) == pytest.approx(14 / 3)
    assert baseline_loss("mae", "values", y) == pytest.approx(5 / 3)
    assert baseline_loss("cross_entropy", "classes", torch.tensor([0, 1, 2, 2])) == pytest.approx(1.5 * math.log(2))
    assert baseline_loss("bce_with_logits", "mask", torch.tensor([[[[0.0, 1.0]]]])) == pytest.approx(math.log(2))
    assert baseline_loss("huber", "values", y) is None


def test_what_a_network_gives_besides_is_added_to_the_loss_and_hidden_from_metrics() -> None:
    outputs, extra = torch.tensor([[1.0]], requires_grad=True), torch.tensor(2.0)
    descended, plain = Objective("mse", {}, [])((outputs, extra), torch.tensor([[0.0]]))
    assert (descended.item(), plain.item()) == (3.0, 3.0)


def test_a_mask_moves_with_its_image_and_noise_leaves_it_alone() -> None:
    x = (torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    augment = Augmentation(("flip", "translate", "noise"), 1.0, (1, 8, 8), "mask")
    moved, mask = augment(x, x.clone(), torch.Generator().manual_seed(0))
    assert mask is not None
    assert not torch.equal(mask, x)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(moved.round().clamp(0, 1), mask)
    _, y = Augmentation(("noise",), 1.0, (1, 8, 8), "itself")(x, x.clone(), torch.Generator().manual_seed(0))
    assert y is not None
    assert torch.equal(y, x)
