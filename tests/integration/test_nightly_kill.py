"""A night that was killed or stopped goes on when it is started again, and comes to what an uninterrupted one does."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.drill_kit import mlflow_children
from tests.integration.nightly_kit import SWEEP, Project, control_values, one_night
from tuner.nightly.folder import NightsFolder
from tuner.records.journal import read_journal
from tuner.records.night import INCOMPLETE, OK, NightRecord
from tuner.records.run_directory import RunDirectory

CONTROLS, SEARCH, FINALISTS, VERDICT, AFTER = "control-4 2", "0002 1", "finalists", "verdict", "end"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> NightRecord:
    """A first night that nothing interrupted."""
    project = Project(tmp_path_factory.mktemp("whole") / "project")
    ended = one_night(project, 0)
    assert ended.returncode == 0, ended.stderr[-2000:]
    (record,) = project.nights()
    return record


def check(project: Project, whole: NightRecord) -> None:
    """One night, the same as the uninterrupted one, and no epoch trained twice."""
    (record,) = project.nights()
    assert (record.id, record.key) == (whole.id, whole.key)
    assert record.line() == whole.line()
    assert control_values(record) == control_values(whole)
    assert record.best == whole.best
    assert record.trials == whole.trials
    assert record.ended_at is not None
    assert NightsFolder(project.runs, "own").reference() is not None
    lines = read_journal(RunDirectory(project.runs / record.run).journal)
    epochs = Counter((line["trial"], line["epoch"]) for line in lines if line["kind"] == "report")
    assert set(epochs.values()) == {1}
    assert not [line for line in lines if line["kind"] == "repeated"]
    assert len({line["trial"] for line in lines if line["kind"] == "control"}) == 10
    assert (project.runs / "own-nights" / f"{record.id}.html").is_file()


@pytest.mark.parametrize("at", [CONTROLS, SEARCH, FINALISTS, VERDICT, AFTER])
def test_killed_at_any_point_it_goes_on(tmp_path: Path, whole: NightRecord, at: str) -> None:
    project = Project(tmp_path / "project")
    assert one_night(project, 0, at, signal.SIGKILL).returncode == -signal.SIGKILL
    (record,) = project.nights()
    assert (record.verdict, record.ended_at) == (INCOMPLETE, None)
    ended = one_night(project, 0.3)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.strip() == whole.line()
    check(project, whole)


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 3), (signal.SIGINT, "Ctrl-C", 130)])
@pytest.mark.parametrize("at", [CONTROLS, SEARCH])
def test_a_signal_is_a_clean_stop(
    tmp_path: Path, whole: NightRecord, at: str, number: int, name: str, code: int
) -> None:
    project = Project(tmp_path / "project")
    stopped = one_night(project, 0, at, number)
    assert stopped.returncode == code, stopped.stderr[-2000:]
    assert "Traceback" not in stopped.stderr
    (record,) = project.nights()
    assert record.verdict == INCOMPLETE
    assert f"stopped by {name}" in record.judgement.why
    assert stopped.stdout.strip() == record.line()
    assert record.ended_at is not None
    ended = one_night(project, 0.3)
    assert ended.returncode == 0, ended.stderr[-2000:]
    check(project, whole)


def test_killed_again_and_again_mlflow_has_each_trial_once(tmp_path: Path, whole: NightRecord) -> None:
    sweep = SWEEP.replace("tracking: {uri: none}\n", "")
    assert sweep != SWEEP
    project = Project(tmp_path / "project", sweep)
    for at in (CONTROLS, SEARCH, FINALISTS, VERDICT):
        assert one_night(project, 0, at, signal.SIGKILL).returncode == -signal.SIGKILL
    ended = one_night(project, 0)
    assert ended.returncode == 0, ended.stderr[-2000:]
    (record,) = project.nights()
    assert control_values(record) == control_values(whole)
    run = RunDirectory(project.runs / record.run)
    parent, children = mlflow_children(project.folder, run)
    names = [child.data.tags["mlflow.runName"] for child in children]
    assert sorted(names) == sorted(one.trial for one in run.record().everything)
    tags = parent.data.tags
    assert {tags[f"tuner.night.{name}"] for name in ("verdict", "state")} == {OK}
    assert tags["tuner.night.id"] == record.id
    assert tags["tuner.night.why"] == record.judgement.why
    assert tags["tuner.night.date"] == record.date
    assert one_night(project, 0).stdout.strip() == record.line(), "its verdict again"
    assert len(mlflow_children(project.folder, run)[1]) == len(children)
