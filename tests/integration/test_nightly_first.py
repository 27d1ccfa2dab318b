"""First nights: without a history, without a control, with wrong input, and with no room on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.integration.nightly_kit import SWEEP, TOLD, Project, control_values, tuner
from tuner.records.night import OK


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_a_first_night_measures_the_noise_and_has_nothing_to_compare_with(project: Project) -> None:
    told = project.night(0)
    assert (told.verdict, told.exit_code) == (OK, 0)
    assert "a first night: noise width" in told.why
    assert told.record is not None
    assert len(control_values(told.record)) == 10
    assert told.record.reference == told.record.id
    assert (told.record.changes, told.record.since, told.record.state_before) == ((), None, None)
    assert told.page is not None
    assert told.page.is_file()
    assert (told.page.parent / "latest.md").read_text().startswith("**2026-11-01 own OK**")


@pytest.mark.slow
def test_without_a_control_the_first_best_is_the_control_of_the_second_night(project: Project) -> None:
    project.file.write_text(SWEEP.replace(", default: 0.1", ""))
    first, second, third = (project.night(day) for day in range(3))
    assert first.record is not None and second.record is not None and third.record is not None
    assert [one.verdict for one in (first, second, third)] == [OK] * 3
    assert (first.record.controls, dict(first.record.control)) == ((), {})
    assert first.record.best is not None
    assert dict(second.record.control) == dict(first.record.best.config)
    assert len(second.record.controls) == 10
    assert second.record.reference == second.record.id
    assert "noise width" in second.why
    assert third.record.reference == second.record.id
    assert control_values(third.record).items() <= control_values(second.record).items()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("search:", "serach: 3\nsearch:", "serach"),
        ("tracking:", TOLD + "tracking:", "NIGHT_HOOK"),
        ("train:loop", "trian:loop", "trian"),
        ("train:loop", "train:lop", "lop"),
        ("loop: train:loop", "task: housing\nmodel: linear\ndata: {dir: nowhere}", "nowhere"),
    ],
)
def test_wrong_input_is_one_message_and_leaves_nothing(project: Project, old: str, new: str, told: str) -> None:
    project.file.write_text(SWEEP.replace(old, new))
    before = sorted(project.folder.iterdir())
    code, out, error = tuner("nightly", "own.yaml", "--address", "none", "--quiet")
    assert code == 2, error
    assert told in error
    assert "Traceback" not in error
    assert not out
    after = [path for path in sorted(project.folder.iterdir()) if path.name != "__pycache__"]
    assert after == before


def test_a_full_disk_is_one_message_and_nothing_begins(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(total=2**40, used=2**40 - 2**20, free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    code, out, error = tuner("nightly", "own.yaml", "--address", "none", "--quiet")
    assert code == 3
    assert "1.0 MiB of its disk's 1.0 TiB are free, and a night may need 256 MiB" in error
    assert error.count("\n") == 1
    assert not out
    assert not project.runs.exists()
