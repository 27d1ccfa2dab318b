"""Finalists, really trained: each seed is its own, can be had again, and is where one looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import tuner
from tuner.api.one import train_one
from tuner.records.seeds import chosen_by_mean

SWEEP = {
    "name": "finals",
    "task": "digits",
    "model": "mlp",
    "data": {"limit": 400},
    "space": {"lr": {"float": [0.01, 0.1], "log": True}},
    "fixed": {"width": 16, "depth": 1, "batch_size": 32},
    "search": {"algorithm": "random", "trials": 4, "max_epochs": 3, "finalists": {"top": 2, "seeds": 2}},
}


@pytest.mark.slow
def test_the_best_two_are_trained_again_on_two_seeds(tmp_path: Path) -> None:
    path = tmp_path / "finals.yaml"
    path.write_text(yaml.safe_dump(SWEEP, sort_keys=False))
    result = tuner.run(path, address="none", track=False, runs=tmp_path / "runs")
    repeats = result.record.repeats
    assert [len(trial.epochs) for trial in repeats] == [3] * 4
    values = [trial.value for trial in repeats]
    assert len({trial.value for trial in result.record.trainings}) == 8
    chosen = chosen_by_mean(result.record)
    assert chosen is not None
    assert result.best == chosen.trial
    kept = result.directory.best_checkpoint(result.record)
    assert kept is not None
    assert kept[0].trial.startswith(chosen.trial.trial)
    again = train_one(
        f"{result.directory.path}/{repeats[1].trial}",
        config={},
        overrides={},
        flags={},
        runs=tmp_path / "runs",
        say=lambda text: None,
    )
    assert again.value == pytest.approx(values[1])
    assert list(result.trials["repeat_of"].dropna()) == [trial.repeat_of for trial in repeats]
