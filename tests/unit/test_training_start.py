"""Weights to start from, frozen parts and a learning rate of the body's own, against values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_kit import assignment, digits, failure, make_plan, metrics, report, run

from tuner.errors import InputError
from tuner.training.building import build_trainer
from tuner.training.device_data import DeviceCache
from tuner.training.loop import Trainer
from tuner.training.models import cnn, mlp, resnet
from tuner.training.optimizers import build_optimizer
from tuner.training.schedules import Schedule
from tuner.training.settings import read_settings
from tuner.training.stages import part, stages_of
from tuner.training.starting_weights import read_state, start_from
from tuner.training.task_info import TaskInfo
from tuner.training.weights import write_weights
from tuner.training.weights_source import check_weights, find_weights
from tuner.training.worker import TrialWorker

DIGITS = TaskInfo("digits", (1, 8, 8), 10, 1000)
CNN = {"model": "cnn", "model.cnn.blocks": 2, "model.cnn.width": 4, "model.cnn.normalisation": "batch"}


def trainer(config: dict[str, Any], max_epochs: int = 4) -> Trainer:
    torch.manual_seed(0)
    data = DeviceCache(digits(), torch.device("cpu")).get()
    return build_trainer(read_settings(config), data, torch.device("cpu"), max_epochs)


def train(made: Trainer) -> None:
    data = DeviceCache(digits(), torch.device("cpu")).get()
    made.train_epoch(data, torch.Generator().manual_seed(0))


# --- which weights fit


def small(classes: int = 3, width: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, classes))


class Wrapped(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.encoder = small(classes=5)
        self.head = nn.Linear(5, classes)


def test_what_agrees_in_name_and_shape_is_loaded_and_the_rest_is_named() -> None:
    there, here = small(classes=7), small(classes=3)
    before = here[2].weight.clone()
    done = start_from(here, there.state_dict(), "there")
    assert torch.equal(here[0].weight, there[0].weight)
    assert torch.equal(here[2].weight, before)
    assert done.loaded == ("0.weight", "0.bias")
    assert done.new == done.unused == ("2.weight", "2.bias")
    assert done.share == 28 / (28 + 15)
    assert str(done) == "2 of 4 tensors loaded, 65.1% of all weights; new: 2.weight, 2.bias; not used: 2.weight, 2.bias"


@pytest.mark.parametrize("inside", [True, False])
def test_a_part_fits_the_whole_and_the_whole_a_part(inside: bool) -> None:
    part_, whole = Wrapped(), small(classes=5)
    here, there = (whole, part_) if inside else (part_, whole)
    done = start_from(here, there.state_dict(), "there")
    assert all(torch.equal(a, b) for a, b in zip(part_.encoder.parameters(), whole.parameters(), strict=True))
    assert (done.unused if inside else done.new) == ("head.weight", "head.bias")


def test_a_new_head_stays_as_it_was_drawn() -> None:
    there, here = small(), small()
    before = here[2].weight.clone()
    start_from(here, there.state_dict(), "there", new_head=True)
    assert torch.equal(here[0].weight, there[0].weight)
    assert torch.equal(here[2].weight, before)


def test_a_layer_of_which_a_part_alone_fits_is_left_out() -> None:
    given = {f"encoder.{name}": value for name, value in small(classes=5).state_dict().items()}
    done = start_from(Wrapped(classes=3), {**given, "head.bias": torch.zeros(3)}, "there")
    assert (done.new, done.unused) == (("head.weight", "head.bias"), ("head.bias",))


def test_weights_of_another_network_are_refused_with_the_shapes() -> None:
    with pytest.raises(InputError, match=r"there 0\.weight \[9, 6\].*here 0\.weight \[4, 6\]"):
        start_from(small(), small(classes=1, width=9).state_dict(), "there")


@pytest.mark.parametrize("nested", ["", "state_dict", "model"])
def test_a_file_of_torch_save_is_read_as_weights_alone(tmp_path: Path, nested: str) -> None:
    state: Any = small().state_dict()
    torch.save({nested: state, "epoch": 3} if nested else state, tmp_path / "w.pt")
    assert list(read_state(tmp_path / "w.pt")) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    write_weights(tmp_path / "w.safetensors", state, {})
    assert torch.equal(read_state(tmp_path / "w.safetensors")["2.weight"], state["2.weight"])


@pytest.mark.parametrize("content", ["no weights", {"epoch": 3}, [1, 2]])
def test_a_file_without_weights_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(InputError, match="no tensors by name"):
        read_state(tmp_path / "w.pt")


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "w.pt")
    with pytest.raises(InputError, match="state_dict"):
        read_state(tmp_path / "w.pt")


def test_all_weights_that_are_not_there_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "there.pt").touch()
    assert find_weights("there.pt", str(tmp_path), tmp_path) == tmp_path / "there.pt"
    with pytest.raises(InputError) as caught:
        check_weights(("none", "there.pt", "nowhere.pt", "no-run"), str(tmp_path), tmp_path)
    assert [fault.found for fault in caught.value.faults] == ["nowhere.pt", "no-run"]


# --- in a trial


def test_a_trial_starts_from_the_weights_that_another_ended_with(tmp_path: Path) -> None:
    fixed = {**CNN, "lr": 0.01}
    first = run(make_plan(tmp_path / "a", fixed=fixed))
    kept = tmp_path / "a" / "0003" / "best.safetensors"
    again = run(make_plan(tmp_path / "b", fixed={**fixed, "weights": str(kept)}), epochs=1)
    best = min(one["val_loss"] for one in metrics(first))
    assert again[0].facts is not None and first[0].facts is not None
    assert again[0].facts.initial_loss < 0.5 * first[0].facts.initial_loss
    assert metrics(again)[0]["val_loss"] == pytest.approx(best, abs=0.5 * best)


def test_a_trial_that_goes_on_asks_for_no_weights(tmp_path: Path) -> None:
    """They may be gone by then, and what it learnt since stands in its checkpoint."""
    kept = tmp_path / "w.pt"
    torch.save(cnn.build(DIGITS, 2, 4, normalisation="batch").state_dict(), kept)
    plan = make_plan(tmp_path / "a", fixed={**CNN, "weights": str(kept)})
    run(plan, epochs=2)
    kept.unlink()
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan, after_epoch=2, attempt=2))
    assert report(worker).epoch.epoch == 3


def test_weights_that_do_not_fit_fail_the_trial(tmp_path: Path) -> None:
    torch.save(small().state_dict(), tmp_path / "w.pt")
    plan = make_plan(tmp_path / "a", fixed={**CNN, "weights": str(tmp_path / "w.pt")})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "weights of another network" in failure(worker).message


def test_only_a_torchvision_network_has_weights_to_download(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "a", fixed={**CNN, "weights": "pretrained"})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "backbone" in failure(worker).traceback


# --- stages and what is frozen


def test_the_stages_of_a_network_are_its_layers_with_their_normalisation() -> None:
    def told(model: nn.Module) -> list[list[str]]:
        return [[type(module).__name__ for module in stage] for stage in stages_of(model)]

    assert told(cnn.build(DIGITS, 2, 4, normalisation="batch")) == [
        ["Conv2d", "BatchNorm2d"],
        ["Conv2d", "BatchNorm2d"],
        ["Linear"],
        ["Linear"],
    ]
    assert told(mlp.build(DIGITS, 1)) == [["Linear"], ["Linear"]]
    assert told(resnet.build(DIGITS, 1, 2, 4, order="pre"))[-1] == ["Linear"]
    assert len(stages_of(resnet.build(DIGITS, 1, 2, 4))) == 1 + 2 + 1
    with pytest.raises(InputError, match="stages"):
        stages_of(nn.Sequential(nn.Linear(2, 2)))


@pytest.mark.parametrize(("frozen", "learning"), [("all", 1), ("partly", 2), ("none", 4)])
def test_only_what_is_not_frozen_changes_statistics_included(frozen: str, learning: int) -> None:
    made = trainer({**CNN, "lr": 0.1, "frozen": frozen, "weight_decay": 0.1})
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    train(made)
    after = made.model.state_dict()
    changed = {name.partition(".")[0] for name, value in after.items() if not value.equal(before[name])}
    heads = {"all": {"11"}, "partly": {"9", "11"}, "none": {"0", "1", "4", "5", "9", "11"}}[frozen]
    assert changed == heads
    assert len({name.partition(".")[0] for name in heads} - {"1", "5"}) == learning


# --- a learning rate of the body's own


def rates(schedule: str, arguments: dict[str, Any], warmup: float) -> tuple[list[float], list[float]]:
    """What plain descent moved head and body by at each step."""
    head, body = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = build_optimizer("sgd", [head, body], lr=1.0, body=[body], body_lr=0.1)
    made = Schedule(optimizer, schedule, arguments, max_epochs=4, steps_per_epoch=3, warmup=warmup)
    moved: tuple[list[float], list[float]] = ([], [])
    for _ in range(4):
        for _ in range(3):
            before = head.item(), body.item()
            head.grad = body.grad = torch.ones(1)
            made.before_step()
            optimizer.step()
            made.after_step()
            for found, was, now in zip(moved, before, (head.item(), body.item()), strict=True):
                found.append(was - now)
        made.after_epoch(1.0)
    return moved


@pytest.mark.parametrize("warmup", [0.0, 1.0])
@pytest.mark.parametrize(
    ("schedule", "arguments"),
    [
        ("constant", {}),
        ("step", {"step_size": 2}),
        ("exponential", {"gamma": 0.5}),
        ("cosine", {"eta_min": 0.05}),
        ("one_cycle", {}),
        ("plateau", {"patience": 0, "min_lr": 0.05}),
    ],
)
def test_the_ratio_holds_under_every_schedule(schedule: str, arguments: dict[str, Any], warmup: float) -> None:
    """Also with a floor in it, which torch's schedules give to all groups alike."""
    head, body = rates(schedule, arguments, warmup)
    assert body == pytest.approx([0.1 * rate for rate in head], rel=1e-3)
    assert min(head) > 0


def test_weight_decay_is_that_of_all_groups() -> None:
    head, body = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = build_optimizer("sgd", [head, body], lr=0.5, weight_decay=0.2, body=[body], body_lr=0.1)
    schedule = Schedule(optimizer, "constant", {}, max_epochs=1, steps_per_epoch=1)
    head.grad = body.grad = torch.zeros(1)
    schedule.before_step()
    optimizer.step()
    schedule.after_step()
    assert (head.item(), body.item()) == pytest.approx((1 - 0.5 * 0.2, 1 - 0.05 * 0.2))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


def test_the_body_is_all_but_the_head() -> None:
    model = mlp.build(DIGITS, 2, 8)
    assert len(part(model, "none", own_rate=True).weights) == 4
    made = trainer({"model": "mlp", "model.mlp.depth": 2, "body_lr": 0.1, "lr": 0.1})
    assert [len(group["params"]) for group in made.optimizer.param_groups] == [2, 4]
    assert made.schedule.lr == 0.1


def test_lbfgs_knows_no_groups() -> None:
    with pytest.raises(InputError, match="body_lr"):
        trainer({"model": "mlp", "optimizer": "lbfgs", "body_lr": 0.1})
