"""`tuner lr-range`: on a small network, whatever the optimizer, and nothing else is touched."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from training_kit import digits, make_plan
from typer.testing import CliRunner

from tuner.api.lr_range import LrRange, against, lr_range
from tuner.api.lr_range_text import lr_range_text
from tuner.cli import app
from tuner.errors import InputError, RunError
from tuner.training.device_data import DeviceData
from tuner.training.lr_range import RangeTest

FILE = """
task: digits
model: mlp
data: {limit: 400}
space:
  width: {choice: [16], default: 16}
  depth: {choice: [1], default: 1}
  batch_size: {choice: [32], default: 32}
  optimizer:
    choice:
      adamw: {lr: {float: [1.0e-3, 1.0], log: true, default: 1.0e-3}}
      sgd: {lr: {float: [1.0e-6, 1.0e-5], log: true, default: 1.0e-6}, momentum: {choice: [0.9], default: 0.9}}
    default: adamw
seed: 3
"""


def found(folder: Path, text: str = FILE, **more: object) -> LrRange:
    path = folder / "small.yaml"
    path.write_text(text)
    given = {"config": {}, "overrides": {}, "flags": {}, "runs": folder, "iterations": 40, "seeds": 1}
    return lr_range(str(path), **{**given, **more})  # type: ignore[arg-type]


def test_the_range_of_an_optimizer_with_a_rate_of_its_own(tmp_path: Path) -> None:
    adamw = found(tmp_path)
    assert adamw.parameter == "optimizer.adamw.lr"
    assert adamw.own == (1e-3, 1.0)
    assert adamw.suggested is not None
    assert 1e-3 <= adamw.suggested <= 0.1
    assert adamw.range is not None
    assert adamw.range[0] <= adamw.suggested <= adamw.range[1]
    text = lr_range_text(adamw)
    assert f"suggested  {adamw.suggested:g}" in text
    assert "range      optimizer.adamw.lr: {float: [" in text
    sgd = found(tmp_path, config={"optimizer": "sgd"})
    assert sgd.parameter == "optimizer.sgd.lr"
    assert sgd.suggested is not None
    assert 1e-3 <= sgd.suggested <= 1.0
    assert "lies below it altogether" in sgd.says


def test_the_suggested_rate_drops_the_loss_further_than_its_neighbours(tmp_path: Path) -> None:
    made = found(tmp_path, seeds=3)
    drops = {one.rate: one.drop for one in made.tried}
    assert made.suggested is not None
    assert drops[made.suggested] == max(drops.values()) > 1.0
    assert len(drops) >= 4
    ends = sorted(drops)
    assert drops[ends[0]] < 0.5 * drops[made.suggested], "the walk goes on until a rate is worth little"
    assert drops[ends[-1]] < 0.5 * drops[made.suggested]


def test_nothing_is_written_and_no_generator_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def refuse(self: DeviceData) -> None:
        raise AssertionError("validation was looked at")

    monkeypatch.setattr(DeviceData, "validation", refuse)
    before = torch.get_rng_state()
    one = found(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]
    assert found(tmp_path) == one, "the seed alone decides"


def test_the_data_are_divided_as_in_the_sweep(tmp_path: Path) -> None:
    test = RangeTest(make_plan(tmp_path), digits(), {})
    assert test.data.data_hash == digits().data_hash
    assert test.losses(1, [1e-3] * 5) == test.losses(1, [1e-3] * 5)
    assert test.losses(1, [1e-3] * 5) != test.losses(2, [1e-3] * 5)


def test_the_given_rate_is_taken_whatever_schedule_the_sweep_has(tmp_path: Path) -> None:
    plain = RangeTest(make_plan(tmp_path), digits(), {}).losses(1, [1e-2] * 12)
    fixed = {"schedule": "one_cycle", "warmup": 2.0}
    assert RangeTest(make_plan(tmp_path), digits(), fixed).losses(1, [1e-2] * 12) == plain
    assert RangeTest(make_plan(tmp_path), digits(), {"lr": 0.5}).losses(1, [1e-2] * 12) == plain


def test_a_training_that_diverges_is_stopped(tmp_path: Path) -> None:
    losses = RangeTest(make_plan(tmp_path), digits(), {"optimizer": "sgd"}).losses(1, [1e4] * 40)
    assert len(losses) < 40


def test_a_loss_that_falls_nowhere_is_told(tmp_path: Path) -> None:
    made = found(tmp_path, FILE + "fixed: {initialisation: zero}\n", high=1e-5)
    assert (made.suggested, made.range) == (None, None)
    assert "falls at no rate" in lr_range_text(made)
    assert made.written == ""


def test_faults_are_told_together_and_a_loop_has_no_range_test(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        found(tmp_path, low=-1.0, high=-2.0, iterations=3, seeds=0)
    assert [fault.where for fault in raised.value.faults] == ["--from", "--to", "--iterations", "--seeds"]
    with pytest.raises(InputError, match="give the sweep a task") as raised:
        found(tmp_path, "loop: somewhere:loop\nspace: {lr: {float: [0.1, 1]}}\n")
    assert raised.value.exit_code == 2


def test_a_model_that_cannot_be_built_is_an_error_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: RangeTest, seed: int, rates: object) -> list[float]:
        raise MemoryError

    monkeypatch.setattr(RangeTest, "losses", raises)
    with pytest.raises(RunError, match="out of memory with width 16"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ((1e-5, 1.0), "covers it; below 0.001 and above 0.1"),
        ((1e-3, 0.1), "the file's 0.001 to 0.1 covers it"),
        ((1e-2, 1.0), "begins above 0.001"),
        ((1e-5, 1e-2), "ends below 0.1"),
        ((1e-2, 2e-2), "begins above 0.001 and ends below 0.1"),
        ((1e-6, 1e-5), "lies below it altogether"),
        ((1.0, 2.0), "lies above it altogether"),
        (0.01, "one rate 0.01, inside"),
        (0.5, "one rate 0.5, above"),
        (None, "searches no learning rate"),
    ],
)
def test_the_files_own_range_against_what_was_found(own: tuple[float, float] | float | None, says: str) -> None:
    assert says in against(own, (1e-3, 0.1))


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(FILE)
    words = ["lr-range", str(tmp_path / "small.yaml"), "--iterations", "20", "--seeds", "1", "--to", "1"]
    done = CliRunner().invoke(app(), [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["parameter"] == "optimizer.adamw.lr"
    assert told["rates"][-1] == pytest.approx(1.0)
    assert len(told["losses"]) == 20
    assert all(isinstance(one["loss"], float) or one["loss"] == "Infinity" for one in told["tried"])
    assert math.isfinite(told["suggested"])
    shown = CliRunner().invoke(app(), words)
    assert "<- drops furthest" in shown.stdout
