"""Nights on which something of the user's is otherwise: what the verdict says, and what the record names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.nightly_kit import SWEEP, TOLD, Project, webhook
from tuner.records.night import INCOMPLETE, OK, REGRESSED, Conditions


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.mark.slow
def test_code_that_raises_is_named_and_told_once(project: Project) -> None:
    project.file.write_text(SWEEP + TOLD)
    with webhook() as (address, sent):
        environ = {"NIGHT_HOOK": address}
        assert project.night(0, environ=environ).verdict == OK
        project.change("def loop(trial):", 'def loop(trial):\n    raise KeyError("momentum")', "Break it")
        first, second = (project.night(day, environ=environ) for day in (1, 2))
    for told in (first, second):
        assert (told.verdict, told.exit_code) == (INCOMPLETE, 3)
        assert "all 10 controls and all 4 trials failed: KeyError" in told.why
        assert "KeyError: 'momentum'" in told.why
    assert first.record is not None
    assert [(one.kind, one.what) for one in first.record.changes] == [("code", "commits")]
    (one,) = sent
    assert one["night"]["verdict"] == INCOMPLETE
    assert "KeyError" in one["text"]


@pytest.mark.slow
def test_a_search_that_fails_is_found_although_the_control_is_as_it_was(project: Project) -> None:
    project.file.write_text(SWEEP.replace("trials: 4, max_epochs: 3", "trials: 12, max_epochs: 1"))
    assert [project.night(day).verdict for day in range(3)] == [OK] * 3
    lines = 'def loop(trial):\n    if not 0.09 < trial.config["lr"] < 0.2:\n        raise ValueError("no such lr")'
    project.change("def loop(trial):", lines, "Refuse most learning rates")
    told = project.night(3)
    assert told.verdict == INCOMPLETE
    assert "trials of the search failed, in the comparable nights 0 of 36" in told.why
    assert "ValueError: no such lr" in told.why


@pytest.mark.slow
def test_a_loop_that_no_longer_imports_is_told_as_the_night(project: Project) -> None:
    assert project.night(0).verdict == OK
    project.change("import numpy as np", "import nunpy as np", "Tidy the imports")
    told = project.night(1)
    assert (told.verdict, told.exit_code) == (INCOMPLETE, 3)
    assert "all 10 controls and all 4 trials failed: ModuleNotFoundError: No module named 'nunpy'" in told.why


@pytest.mark.slow
def test_controls_that_diverge_are_a_regression_and_strict_json(project: Project) -> None:
    assert project.night(0).verdict == OK
    project.change("train_loss=total / 600, val_loss=loss", "train_loss=np.nan, val_loss=np.nan", "Overflow")
    told = project.night(1)
    assert (told.verdict, told.exit_code) == (REGRESSED, 4), told.line
    assert "10 of 10 controls diverged" in told.why
    assert "Infinity" in json.dumps(told.to_json()["judgement"])
    json.dumps(told.to_json(), allow_nan=False)


def test_configuration_and_packages_are_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tuner.nightly import night

    def newer(*given: object) -> Conditions:
        told = told_before(*given)  # type: ignore[arg-type]
        return Conditions(told.code, told.data_hash, {**told.packages, "numpy": "99.0"}, told.machine, told.settings)

    told_before = night.conditions
    project.night(0)
    monkeypatch.setattr(night, "conditions", newer)
    told = project.night(1, {"search.trials": "3"})
    assert told.verdict == OK
    assert told.record is not None
    found = {(one.kind, one.what): (one.old, one.new) for one in told.record.changes}
    assert found.keys() == {("configuration", "search.trials"), ("packages", "numpy")}
    assert found["configuration", "search.trials"] == ("4", "3")
    assert found["packages", "numpy"][1] == "99.0"


@pytest.mark.slow
def test_other_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Path(__file__).parents[1] / "data" / "california_housing.csv").read_text().splitlines(keepends=True)
    data = tmp_path / "data"
    data.mkdir()
    (data / "california_housing.csv").write_text("".join(rows))
    monkeypatch.chdir(tmp_path)
    asked = "task: housing\nmodel: linear\nmetric: {name: val_rmse, mode: min}\ndata: {dir: data}\n"
    asked += "fixed: {standardise: true}"
    project = Project(tmp_path, SWEEP.replace("loop: train:loop", asked).replace("max_epochs: 3", "max_epochs: 1"))
    first, again = project.night(0), project.night(1)
    assert first.record is not None and again.record is not None
    assert again.record.changes == ()
    (data / "california_housing.csv").write_text("".join(rows[:-100]))
    project.commit("Fewer houses")
    told = project.night(2)
    assert told.record is not None
    assert [(one.kind, one.what) for one in told.record.changes if one.kind == "data"] == [("data", "data hash")]
    assert told.record.conditions.data_hash != first.record.conditions.data_hash
    assert told.record.reference == first.record.id
