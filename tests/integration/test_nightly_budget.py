"""What a night may cost is kept, over a kill and a resume too, and its finalists are spared.

The clock is the test's: it stands still but for the epochs, each of which takes a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from tests.integration.nightly_kit import SWEEP, Project
from tuner.api import running
from tuner.control.controller import Controller
from tuner.records.journal import Line, read_journal
from tuner.records.night import INCOMPLETE, OK, NightRecord

SECONDS = 90.0
HOURS = {"nightly.budget.hours": f"{SECONDS / 3600!r}", "search.trials": "100000"}


class Killed(BaseException):
    """As a driver that was killed leaves its journal."""


class Kills:
    """A display that ends the process's night once it has seen so many epochs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def lines(self, lines: Sequence[Line]) -> None:
        self.left -= sum(line["kind"] == "report" for line in lines)
        if self.left <= 0:
            raise Killed

    def refresh(self, now: float) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing was opened."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, SWEEP)


@pytest.fixture
def clock(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(ModuleType):
        now = time.time()

        def look(self) -> float:
            return self.now

        def epoch(self) -> None:
            self.now += 1.0

    module = Clock("night_clock")
    monkeypatch.setitem(sys.modules, "night_clock", module)
    monkeypatch.setattr(time, "time", module.look)
    monkeypatch.setattr(time, "perf_counter", module.look)
    monkeypatch.setattr(running, "Controller", partial(Controller, clock=module.look))
    project.change("        total = 0.0\n", "        total = 0.0\n        night_clock.epoch()\n", "Take a second")
    project.change("import numpy", "import night_clock\nimport numpy", "Ask the clock")


def lines_of(project: Project, record: NightRecord) -> list[Line]:
    return read_journal(project.runs / record.run / "journal.jsonl")


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
def test_hours_are_kept_and_the_finalists_are_trained(project: Project) -> None:
    told = project.night(0, HOURS)
    record = told.record
    assert record is not None
    assert told.verdict == OK
    assert record.seconds <= SECONDS
    assert record.seconds > 0.9 * SECONDS, "nor is much of it thrown away"
    lines = lines_of(project, record)
    (over,) = [line for line in lines if line["kind"] == "search_over"]
    assert "finalists" in over["reason"]
    assert record.best is not None
    assert len(record.best.seeds) >= 2
    assert record.trials["total"] == record.trials["completed"]


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
def test_hours_are_those_of_the_whole_night_over_a_kill(project: Project) -> None:
    with pytest.raises(Killed):
        project.night(0, HOURS, display=lambda _: Kills(50))
    told = project.night(0, HOURS)
    record = told.record
    assert record is not None
    assert told.verdict == OK
    kinds = [line["kind"] for line in lines_of(project, record)]
    assert kinds.count("driver") == 2
    assert record.seconds <= SECONDS
    assert record.best is not None
    assert len(record.best.seeds) >= 2


@pytest.mark.usefixtures("clock")
def test_too_few_hours_for_the_controls_are_incomplete_and_said(project: Project) -> None:
    told = project.night(0, {"nightly.budget.hours": "0.001"})
    assert (told.verdict, told.exit_code) == (INCOMPLETE, 3), told.line
    assert "0.001 hours are over: 2 of 10 controls ended" in told.why
    assert project.night(1).why.startswith("a first night: noise width"), "no reference of two seeds"


def test_gpu_hours_are_kept(project: Project) -> None:
    told = project.night(0, {"nightly.budget.gpu_hours": "1e-9", "resources.gpu": "1"})
    assert (told.verdict, told.exit_code) == (INCOMPLETE, 3)
    assert "1e-09 GPU hours are spent" in told.why
    assert told.record is not None
    assert sum(one.ending == "completed" for one in told.record.controls) <= 1


def test_trials_are_those_of_the_budget(project: Project) -> None:
    told = project.night(0, {"nightly.budget.trials": "1"})
    assert told.verdict == OK
    assert told.record is not None
    assert told.record.trials["total"] == 1
    assert told.record.best is not None
    assert len(told.record.best.seeds) == 2
