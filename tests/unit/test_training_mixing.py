"""Mixup, hard-example mining, and the losses that torch lacks, against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_kit import assignment, digits, failure, make_plan, metrics, run

from tuner.errors import InputError
from tuner.training.losses import Objective
from tuner.training.mixup import Mixed, Mixup
from tuner.training.own_losses import MSLE, Hinge
from tuner.training.worker import TrialWorker

LOGITS, TARGETS = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
EACH = [math.log(1 + math.exp(-2)), math.log(1 + math.e)]


# --- losses


def test_hinge_by_hand() -> None:
    each = [0 + 1.0, 1.0 + 2.0]  # max(0, 1 − 2) + max(0, 1 + 0); max(0, 1 − 0) + max(0, 1 + 1)
    assert Hinge()(LOGITS, TARGETS).item() == pytest.approx(sum(each) / 2)
    assert Hinge(reduction="none")(LOGITS, TARGETS).tolist() == each


def test_msle_by_hand() -> None:
    outputs, targets = torch.tensor([[math.e - 1], [0.0], [-0.5]]), torch.tensor([[0.0], [math.e**2 - 1], [0.0]])
    assert MSLE()(outputs, targets).item() == pytest.approx((1 + 4 + 0.25) / 3, rel=1e-5)
    start = torch.tensor([[-3.0]], requires_grad=True)
    MSLE()(start, torch.tensor([[2.0]])).backward()
    assert start.grad is not None and start.grad.item() < 0  # upwards, out of where no logarithm is


def test_msle_takes_targets_as_they_are(tmp_path: Path) -> None:
    from tuner.training.building import loss_of
    from tuner.training.settings import read_settings
    from tuner.training.task_info import TaskInfo

    task = TaskInfo("any", (3,), 0, 10, kind="values", outputs=1)
    loss_of(read_settings({"model": "mlp", "loss": "msle"}), task)
    with pytest.raises(InputError, match="targets"):
        loss_of(read_settings({"model": "mlp", "loss": "msle", "targets": "log"}), task)


# --- hard-example mining


def test_the_hardest_are_descended_and_all_are_reported() -> None:
    descended, plain = Objective("cross_entropy", {}, [], hardest=0.5)(LOGITS, TARGETS)
    assert descended.item() == pytest.approx(EACH[1])
    assert plain.item() == pytest.approx(sum(EACH) / 2)
    smoothed, plain = Objective("cross_entropy", {}, [], hardest=0.5, label_smoothing=0.2)(LOGITS, TARGETS)
    assert smoothed.item() == pytest.approx(0.8 * EACH[1] + 0.2 * (EACH[1] + math.log(1 + 1 / math.e)) / 2)
    assert plain.item() == pytest.approx(sum(EACH) / 2)


@pytest.mark.parametrize(("share", "count"), [(0.01, 1), (0.26, 2), (0.5, 2), (1.0, 4)])
def test_a_share_is_rounded_up_to_whole_examples(share: float, count: int) -> None:
    outputs, targets = torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.zeros(4, 1)
    descended, _ = Objective("mse", {}, [], hardest=share)(outputs, targets)
    assert descended.item() == pytest.approx(sum([16.0, 9.0, 4.0, 1.0][:count]) / count)


def test_a_loss_of_a_whole_batch_has_no_hardest_examples() -> None:
    with pytest.raises(InputError, match=r"dice_bce|cross_entropy"):
        Objective("dice", {}, [], hardest=0.5)
    with pytest.raises(InputError, match="hardest"):
        Objective(lambda outputs, targets: outputs.mean(), {}, [], hardest=0.5)


# --- mixup


def test_mixed_targets_by_hand() -> None:
    """One example, 0.25 of class 0 and 0.75 of class 1."""
    mixed = Mixed(torch.tensor([0]), torch.tensor([1]), 0.25)
    outputs = torch.tensor([[0.0, math.log(3)]])  # probabilities 1/4 and 3/4: the best there is
    descended, plain = Objective("cross_entropy", {}, [])(outputs, mixed)
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert descended.item() == pytest.approx(entropy)
    assert plain.item() == pytest.approx(0, abs=1e-6)
    soft = torch.nn.functional.cross_entropy(LOGITS, torch.tensor([[0.25, 0.75]] * 2))
    both = Mixed(torch.tensor([0, 0]), torch.tensor([1, 1]), 0.25)
    assert Objective("cross_entropy", {}, [])(LOGITS, both)[0].item() == pytest.approx(soft.item())


def test_two_of_one_class_are_no_mixture() -> None:
    mixed = Mixed(TARGETS, TARGETS, 0.3)
    descended, plain = Objective("cross_entropy", {}, [])(LOGITS, mixed)
    assert descended.item() == plain.item() == pytest.approx(sum(EACH) / 2)
    hard, _ = Objective("cross_entropy", {}, [], hardest=0.5)(LOGITS, mixed)
    assert hard.item() == pytest.approx(EACH[1])


def test_inputs_and_targets_are_mixed_with_the_same_partners() -> None:
    x, y = torch.arange(6.0)[:, None], torch.arange(6)
    shares = []
    for seed in range(200):
        mixed_x, mixed = Mixup(0.4)(x, y, torch.Generator().manual_seed(seed))
        assert torch.allclose(mixed_x[:, 0], mixed.share * mixed.first + (1 - mixed.share) * mixed.second, atol=1e-5)
        shares.append(mixed.share)
    again, _ = Mixup(0.4)(x, y, torch.Generator().manual_seed(199))
    assert torch.equal(again, mixed_x)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.08)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.03)  # of Beta(a, a)


@pytest.mark.parametrize(
    "fixed", [{"mixup": 0.4}, {"hardest": 0.5}, {"mixup": 0.2, "hardest": 0.7, "label_smoothing": 0.1}]
)
def test_a_trial_learns_with_it(fixed: dict[str, Any], tmp_path: Path) -> None:
    given = {"model": "mlp", "model.mlp.depth": 1, "model.mlp.width": 32, "lr": 0.02, **fixed}
    found = metrics(run(make_plan(tmp_path, fixed=given)))
    assert found[-1]["train_eval_loss"] < 0.7 * math.log(10)
    assert found[-1]["train_loss"] < found[0]["train_loss"]


def test_classes_alone_are_mixed(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, fixed={"model": "mlp", "loss": "hinge", "mixup": 0.4})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "cross_entropy" in failure(worker).traceback
