"""What a worker draws of a trial at its end, and where it comes to lie."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

import tuner
from tests.unit.training_kit import assignment, digits, make_plan
from tuner.records.epochs import Report
from tuner.training import pictures
from tuner.training.pictures.confusion import names, table
from tuner.training.worker import TrialWorker


def test_a_table_holds_every_count_and_escapes_its_names() -> None:
    drawn = table([[9, 1], [0, 4]], ["<b>cat</b>", "dog"])
    text = [node.text for node in ET.fromstring(drawn).iter() if node.text]
    assert "<b>cat</b>" in text
    assert {"9", "1", "4"} <= set(text)
    assert "0" not in text
    assert "13 of 14" in drawn


def test_names_that_do_not_fit_the_classes_are_numbers() -> None:
    task = type("Task", (), {"classes": ("a", "b")})
    assert names(task, 2) == ["a", "b"]
    assert names(task, 3) == ["0", "1", "2"]


def drawn(folder: Path, worker: TrialWorker, trial: str, lr: float) -> list[str]:
    worker.open(assignment(worker.plan, {"lr": lr}, trial=trial))
    for _ in range(worker.plan.max_epochs):
        assert isinstance(worker.step(), Report)
    worker.close()
    found = folder / trial / "pictures"
    return sorted(path.name for path in found.iterdir()) if found.is_dir() else []


def test_a_worker_draws_its_best_trials_at_their_end(tmp_path: Path) -> None:
    worker = TrialWorker(make_plan(tmp_path, max_epochs=2), digits())
    assert drawn(tmp_path, worker, "0000", 1e-2) == ["confusion_matrix.svg"]
    assert drawn(tmp_path, worker, "0001", 1e-7) == []
    ET.parse(tmp_path / "0000" / "pictures" / "confusion_matrix.svg")


def test_a_picture_that_cannot_be_drawn_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "BY_KIND", {"classes": ("tuner.training.pictures.confusion:absent",)})
    worker = TrialWorker(make_plan(tmp_path, max_epochs=2), digits())
    assert drawn(tmp_path, worker, "0000", 1e-2) == []
    assert "no pictures" in capsys.readouterr().out


def test_the_report_shows_those_of_the_best_trial(tmp_path: Path) -> None:
    sweep = {
        "name": "drawn",
        "task": "line",
        "model": "linear",
        "metric": {"name": "val_rmse", "mode": "min"},
        "data": {"limit": 200},
        "space": {"lr": {"float": [0.01, 0.1], "log": True}},
        "search": {"trials": 2, "max_epochs": 2, "scheduler": "none"},
        "tracking": {"uri": "none"},
    }
    path = tmp_path / "drawn.yaml"
    path.write_text(yaml.safe_dump(sweep))
    tuner.run(path, address="none", runs=tmp_path / "runs")
    (run,) = (tmp_path / "runs").iterdir()
    assert [path.name for path in (run / "pictures").iterdir()] == ["fitted_curve.svg"]
    assert "fitted curve" in (run / "report.html").read_text(encoding="utf-8")
