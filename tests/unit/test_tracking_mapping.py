"""Names and texts as MLflow takes them."""

from __future__ import annotations

import posixpath
import re

from hypothesis import given
from hypothesis import strategies as st

from tuner.records.trial import ENDINGS, SweepRecord
from tuner.tracking import mapping

HEAD = {"metric": "val_loss", "mode": "min", "max_epochs": 5, "trials": 64, "seed": 7, "task": None}


def test_every_ending_has_a_status() -> None:
    assert set(mapping.STATUS) == set(ENDINGS)


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_mlflow_takes(name: str) -> None:
    allowed = mapping.allowed_name(name)
    assert re.fullmatch(r"[/\w.\- :]+", allowed)
    assert posixpath.normpath(allowed) == allowed
    assert not allowed.startswith(("/", ".."))
    assert len(allowed) <= mapping.LONGEST_NAME
    assert mapping.allowed_name(allowed) == allowed


def test_usual_names_stay() -> None:
    for name in ("val_loss", "optimizer.sgd.momentum", "acc/top-5", "größe"):
        assert mapping.allowed_name(name) == name


def test_the_sweeps_parameters_are_those_that_its_trials_share() -> None:
    file = {"fixed": {"schedule": "cosine", "split": ["0.8", "0.2"]}, "search": {"trials": "64", "algorithm": "tpe"}}
    assert mapping.sweep_params(HEAD, file) == {
        "metric": "val_loss",
        "mode": "min",
        "max_epochs": "5",
        "trials": "64",
        "seed": "7",
        "fixed.schedule": "cosine",
        "fixed.split": "['0.8', '0.2']",
        "search.algorithm": "tpe",
    }


def test_a_sweep_with_no_trial_that_is_best_says_so_by_saying_nothing() -> None:
    record = SweepRecord("r", "p", "digits", "val_loss", "min", 5, 1, "failed", (), reason="all 1 trials failed")
    tags = mapping.sweep_tags(record, {})
    assert tags["tuner.reason"] == "all 1 trials failed"
    assert "tuner.best_trial" not in tags
    assert "best_val_loss" not in {point.name for point in mapping.sweep_points(record)}
