"""`tuner nightly` and `tuner nights` as a user types them, on the history of two nights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.nightly_kit import SWEEP, Project, tuner
from tuner.nightly.folder import NightsFolder
from tuner.records.night import OK

pytestmark = pytest.mark.slow
RUN = ("nightly", "own.yaml", "--address", "none", "--quiet")


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 2026-11-01 and 2026-11-02."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("two")
        patch.chdir(folder)
        project = Project(folder, SWEEP)
        for day in (0, 1):
            assert project.night(day).verdict == OK
    return folder


@pytest.fixture
def folder(two_nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of its own for each test."""
    copy = tmp_path / "project"
    shutil.copytree(two_nights, copy)
    monkeypatch.chdir(copy)
    return copy


def ids(folder: Path) -> list[str]:
    return [record.id for record in NightsFolder(folder / "runs", "own").nights()]


def test_json_is_one_object_with_the_summarys_keys(folder: Path) -> None:
    code, out, _ = tuner(*RUN, "--json")
    assert code == 0
    told = json.loads(out)
    night = ids(folder)[-1]
    summary = json.loads((folder / "runs" / f"own-night-{night}" / "summary.json").read_text())
    assert told.keys() == summary.keys() | {"verdict", "why", "night", "state", "page", "judgement"}
    assert (told["verdict"], told["night"], told["state"]) == (OK, night, OK)
    assert {name: told[name] for name in summary} == summary
    again = tuner(*RUN, "--json")
    assert (again[0], json.loads(again[1])) == (0, told), "a finished night prints its verdict again"
    assert len(ids(folder)) == 3


def test_the_history_as_text_and_as_json(folder: Path) -> None:
    code, out, error = tuner("nights", "own.yaml")
    assert (code, error) == (0, "")
    assert all(night in out for night in ids(folder))
    told = json.loads(tuner("nights", "own.yaml", "--json")[1])
    assert [night["night"] for night in told["nights"]] == ids(folder)
    assert {night["verdict"] for night in told["nights"]} == {OK}


def test_the_dead_mans_switch(folder: Path) -> None:
    code, _, error = tuner("nights", "own.yaml", "--stale", "26h")
    assert code == 3
    assert "the last night with a verdict" in error
    assert tuner("nights", "own.yaml", "--stale", "36500d")[0] == 0
    code, _, error = tuner("nights", "own.yaml", "--stale", "soon")
    assert code == 2
    assert "soon" in error
    assert tuner("nights", "own.yaml", "--stale", "26h", "--runs", folder / "elsewhere")[0] == 3


def test_the_last_night_is_accepted_and_its_best_is_the_control(folder: Path) -> None:
    nights = NightsFolder(folder / "runs", "own")
    before = nights.reference()
    record = nights.nights()[-1]
    assert before is not None and record.best is not None
    assert before.night == ids(folder)[0]
    code, out, _ = tuner("nightly", "own.yaml", "--accept", "last")
    after = nights.reference()
    assert code == 0
    assert record.id in out
    assert after is not None
    assert dict(after.control) == dict(record.best.config)
    told = json.loads(tuner(*RUN, "--json")[1])
    tonight = nights.nights()[-1]
    assert told["why"].startswith("a first night: noise width"), "the new control begins a history"
    assert dict(tonight.control) == dict(record.best.config)
    assert len(tonight.controls) == 10
    assert tonight.reference == tonight.id


def test_with_keep_control_the_reference_alone_moves(folder: Path) -> None:
    nights = NightsFolder(folder / "runs", "own")
    control = nights.nights()[-1].control
    assert tuner("nightly", "own.yaml", "--accept", "2026-11-02", "--keep-control")[0] == 0
    reference = nights.reference()
    assert reference is not None
    assert (reference.night, dict(reference.control)) == (ids(folder)[1], dict(control))
    assert tuner(*RUN)[0] == 0
    assert nights.nights()[-1].reference == ids(folder)[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--accept", "2026-10-01"), "2026-11-02-"),
        (("--accept", "2026-11"), "several nights begin so"),
        (("--accept", ""), "--accept"),
        (("--accept", "last", "--runs", "elsewhere"), "no night of this sweep has run under"),
        (("--keep-control",), "--accept alone"),
        (("--at", "03:00"), "--print alone"),
        (("--print", "anacron"), "anacron"),
        (("--print", "cron", "--at", "25:00"), "25:00"),
    ],
)
def test_faults_are_one_message(folder: Path, words: tuple[str, ...], told: str) -> None:
    before = (folder / "runs" / "own-nights" / "reference.json").read_text()
    code, out, error = tuner("nightly", "own.yaml", "--address", "none", *words)
    assert code == 2, error
    assert told in error
    assert "Traceback" not in error
    assert not out
    assert (folder / "runs" / "own-nights" / "reference.json").read_text() == before
    assert len(ids(folder)) == 2
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize("form", ["cron", "systemd", "kubernetes"])
def test_a_schedule_is_printed_and_nothing_runs(folder: Path, form: str) -> None:
    image = ("--image", "registry.example/tuner:1") if form == "kubernetes" else ()
    code, out, error = tuner("nightly", "own.yaml", "--print", form, "--at", "03:10", *image)
    assert (code, error) == (0, "")
    assert "own.yaml" in out
    assert "--stale" in out
    assert len(ids(folder)) == 2
