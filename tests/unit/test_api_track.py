"""`tuner track`: where to, as the run says, on a machine that has none of the modules it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tracking_kit import JournalBuilder
from typer.testing import CliRunner

from tuner import tracking
from tuner.cli import app
from tuner.tracking.state import TrackingState

SWEEP = """\
name: Small digits
task: digits
model: "a_module_of_another_machine:build"
space: {width: {choice: [12, 24]}}
tracking: {uri: "http://mlflow:5000", curves: none}
"""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), ("http://mlflow:5000", "small-digits", "none")),
        (("--uri", "sqlite:///m.db", "--experiment", "x", "--curves", "top"), ("sqlite:///m.db", "x", "top")),
    ],
)
def test_the_modules_of_the_training_need_not_be_here(
    words: tuple[str, ...], wanted: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = JournalBuilder(tmp_path).sweep().directory
    run.sweep.write_text(SWEEP, encoding="utf-8")
    asked: list[Any] = []

    def track(run_dir: Any, *given: Any, **more: Any) -> TrackingState:
        asked.append(given)
        return TrackingState("", "", parent_run="5f")

    monkeypatch.setattr(tracking, "track", track)
    done = CliRunner().invoke(app(), ["track", str(run.path), *words])
    assert done.exit_code == 0, done.output
    assert asked == [wanted]
