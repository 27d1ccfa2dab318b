"""A warm start takes no training on a further seed for a configuration of its own; repeats count by their mean."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tuner.api.sweeps import load_resolved
from tuner.api.warm import gather
from tuner.records.seeds import over_seeds
from tuner.sweep import WarmStart


def noisy(trial: tuner.Trial) -> None:
    trial.report(1, val_loss=trial.config["x"] + (trial.seed % 97) / 97)


@pytest.mark.parametrize("asked", [{"search.repeats": 3}, {"search.finalists": {"top": 2, "seeds": 2}}])
def test_further_seeds_are_no_trials_of_a_warm_start(tmp_path: Path, asked: dict[str, object]) -> None:
    result = tuner.run(
        noisy,
        space={"x": {"float": [0, 1]}},
        trials=4,
        max_epochs=1,
        address="none",
        runs=tmp_path,
        track=False,
        settings={"search.algorithm": "random", "search.scheduler": "none", **asked},
    )
    assert result.record.repeats
    sweep = load_resolved(result.directory)
    object.__setattr__(sweep.search, "warm_start", (WarmStart(str(result.directory.path), trust=True),))
    told = {line["source"]: line["value"] for line in gather(sweep, tmp_path).lines}
    assert list(told) == ["0000", "0001", "0002", "0003"]
    own = {trial.trial: trial.value for trial in result.record.trials}
    means = {one.trial.trial: one.mean for one in over_seeds(result.record)}
    assert told == pytest.approx(means if "search.repeats" in asked else own)
    assert set(result.trials["repeat_of"].dropna()) == set(means)
