"""`--final-test`: what it says of test against validation, and that it looks once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import tuner
from tuner.api.final_test import final_test, refuse_without_test, sentence
from tuner.api.sweeps import load_resolved, load_sweep
from tuner.errors import InputError
from tuner.records.journal import Journal
from tuner.records.trial import FinalTest

FOUND = FinalTest(
    trial="0003",
    training="0003-2",
    epoch=4,
    metrics={"test_loss": 0.30, "test_accuracy": 0.90},
    validation={"val_loss": 0.20, "val_accuracy": 0.95},
    noise={"loss": 0.05, "accuracy": 0.04},
    n_test=100,
    n_val=100,
    touched=1,
    at=0.0,
    says="",
)


def test_worse_than_the_noise_explains_is_said_to_be_variance() -> None:
    said = sentence(FOUND, "val_loss", "min")
    assert "test_loss 0.3 against val_loss 0.2 of the same weights (0003-2)" in said
    assert "variance" in said
    assert "within the noise" in sentence(FOUND, "val_accuracy", "max")
    assert "harder" in sentence(replace(FOUND, metrics={"test_loss": 0.1, "test_accuracy": 1.0}), "val_loss", "min")
    assert "3 times" in sentence(replace(FOUND, touched=3), "val_loss", "min")


SWEEP = {
    "name": "tested",
    "task": "digits",
    "model": "mlp",
    "data": {"limit": 400},
    "space": {"lr": {"float": [0.01, 0.1], "log": True}},
    "fixed": {"width": 16, "depth": 1, "batch_size": 32},
    "search": {"algorithm": "random", "scheduler": "none", "trials": 2, "max_epochs": 2},
    "tracking": {"uri": "none"},
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "tested.yaml"
    path.write_text(yaml.safe_dump(SWEEP | changes, sort_keys=False))
    return path


def test_data_without_a_test_split_and_a_loop_are_refused_before_anything_runs(tmp_path: Path) -> None:
    sweep = load_sweep(written(tmp_path, fixed={**SWEEP["fixed"], "split": [0.8, 0.2, 0.0]}), environ={})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="no test examples") as caught:
        refuse_without_test(sweep, tmp_path)
    assert caught.value.faults[0].where == "fixed.split"
    with pytest.raises(InputError, match="loop of your own"):
        refuse_without_test(replace(sweep, task=None, loop="a:b"), tmp_path)


@pytest.mark.slow
def test_the_best_one_is_tested_once_and_the_run_remembers(tmp_path: Path) -> None:
    result = tuner.run(written(tmp_path), address="none", track=False, runs=tmp_path / "runs", final_test=True)
    found = result.record.final_test
    assert found is not None
    assert result.best is not None
    assert (found.trial, found.touched, found.n_test, found.n_val) == (result.best.trial, 1, 80, 80)
    assert found.validation["val_loss"] == pytest.approx(result.best.value, rel=1e-5)
    assert 0 < found.noise["loss"] < 1
    summary = json.loads(result.directory.summary.read_text())
    assert summary["test"]["metrics"] == found.metrics
    assert summary["test"]["touched"] == 1
    assert "Final test" in result.directory.report.read_text()
    sweep = load_resolved(result.directory)
    with pytest.raises(InputError, match="a second look is refused"):
        final_test(sweep, result.directory)
    # Another training is the best one now: the look is made, and counted.
    best, other = sorted(result.record.trials, key=lambda trial: trial.value or 0.0)
    better = {"kind": "report", "at": 0.0, "trial": other.trial, "attempt": 1, "epoch": 2, "seconds": 0.1}
    with Journal(result.directory.journal) as journal:
        journal.append({**better, "metrics": {"val_loss": (best.value or 0.0) / 2}})
    again = final_test(sweep, result.directory).record.final_test
    assert again is not None
    assert (again.trial, again.touched) == (other.trial, 2)
    assert "2 times" in again.says
