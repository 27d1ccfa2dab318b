"""`measure` finds the ends of a space and prices them."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_kit import digits, make_plan

from tuner.errors import InputError
from tuner.space import Choice, Float, Int, Parameter, Space
from tuner.training.locate import inspect_builder
from tuner.training.measure import measure
from tuner.training.plan import TrainingPlan


def space(*parameters: Parameter) -> Space:
    return Space(parameters)


def parameter(name: str, domain: object, parent: str | None = None, value: str | None = None) -> Parameter:
    short = name.rpartition(".")[2]
    return Parameter(name, short, domain, parent=parent, parent_value=value)  # type: ignore[arg-type]


SPACE = space(
    parameter("model", Choice(("softmax", "mlp"))),
    parameter("model.mlp.depth", Int(1, 3), "model", "mlp"),
    parameter("model.mlp.width", Int(16, 64, log=True), "model", "mlp"),
    parameter("lr", Float(1e-4, 1.0, log=True)),
    parameter("batch_size", Choice((16, 32, 64))),
)


def test_the_smallest_and_the_largest_model_are_measured(tmp_path: Path) -> None:
    smallest, largest = measure(make_plan(tmp_path, fixed={}), digits(), SPACE)
    assert (smallest.which, smallest.config["model"], smallest.n_parameters) == ("smallest", "softmax", 650)
    assert largest.config | {"lr": 0} == {
        "model": "mlp",
        "model.mlp.depth": 3,
        "model.mlp.width": 64,
        "lr": 0,
        "batch_size": 64,
    }
    assert largest.n_parameters == 3 * (64 * 64 + 64) + 650
    for found in (smallest, largest):
        assert not found.problem
        assert 0 < found.step_seconds < found.epoch_seconds < 60
        assert found.steps_per_epoch == -(-180 // found.batch_size)
        assert found.memory_bytes > 4 * 4 * found.n_parameters
        assert found.initial_loss == pytest.approx(found.baseline_loss, abs=0.5)


def test_a_space_of_one_model_is_measured_once(tmp_path: Path) -> None:
    found = measure(make_plan(tmp_path, fixed={"model": "softmax"}), digits(), space(SPACE["lr"]))
    assert [each.which for each in found] == ["only"]


def test_what_cannot_be_built_is_said(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, model="math:sqrt", fixed={})
    (found,) = measure(plan, digits(), space(SPACE["lr"]))
    assert "TypeError" in found.problem


def test_measuring_writes_nothing(tmp_path: Path) -> None:
    measure(make_plan(tmp_path, fixed={}), digits(), SPACE)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_of_ones_own_cannot_be_measured() -> None:
    with pytest.raises(InputError, match="loop"):
        measure(TrainingPlan(None, "unused", loop="my:loop"), digits(), SPACE)


def test_a_builders_signature_is_told() -> None:
    found = inspect_builder("tuner.training.models.mlp:build")
    assert (found.required, found.anything) == ((), False)
    assert found.takes("depth")
    assert not found.takes("task")
    assert inspect_builder("shutil:copytree").required == ("dst",)
    with pytest.raises(InputError, match="module:name"):
        inspect_builder("no colon")
