"""A night on a Ray of its own, after one in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.drill_kit import end, finish, mlflow_children, start
from tests.integration.nightly_kit import SWEEP, Project, control_values
from tuner.records.night import OK
from tuner.records.run_directory import RunDirectory


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_night_on_ray_repeats_the_control_of_one_in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path, SWEEP)
    first = project.night(0)
    assert first.verdict == OK
    project.file.write_text(SWEEP.replace("tracking: {uri: none}\n", ""))
    night = start(tmp_path, "nightly", "own.yaml", "--cpus", "2", "--json")
    try:
        told = json.loads(finish(night, tmp_path, seconds=600))
    finally:
        end(night)
    before, record = project.nights()
    assert (told["verdict"], told["night"]) == (OK, record.id)
    assert "bit for bit that of 2026-11-01" in told["why"]
    assert len(record.controls) == 3
    assert control_values(record).items() <= control_values(before).items()
    assert record.best is not None
    assert record.trials["completed"] == record.trials["total"] == 4
    run = RunDirectory(project.runs / record.run)
    parent, children = mlflow_children(tmp_path, run)
    assert parent.data.tags["tuner.night.verdict"] == OK
    assert len(children) == len(run.record().everything)
    assert (project.runs / "own-nights" / f"{record.id}.html").is_file()
