"""The end of a sweep and diagnosed curves, as a terminal shows them."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path

import pytest
from rich.console import RenderableType

from tests.unit.report_records import SweepLines, falling, four_endings
from tuner.records.history import History
from tuner.report.terminal import diagnoses, final, show, trials_table

GOLDEN = Path(__file__).parents[1] / "golden" / "report"


def drawn(renderable: RenderableType, width: int = 100) -> str:
    stream = io.StringIO()
    show(renderable, stream, width)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def picture(name: str) -> RenderableType:
    record = four_endings().record()
    if name == "final":
        return final(record, report="runs/digits-mlp-20261121-0551-7f3a/report.html", run=record.run)
    if name == "trials":
        return trials_table(record, limit=3)
    found = [trial.diagnosis for trial in record.trials if trial.diagnosis is not None]
    histories = [History.from_epochs(trial.trial, trial.epochs) for trial in record.trials]
    return diagnoses(histories, found)


@pytest.mark.parametrize("name", ["final", "trials", "diagnoses"])
def test_the_terminal_shows_the_golden_picture(name: str) -> None:
    path = GOLDEN / f"{name}.txt"
    text = drawn(picture(name))
    if os.environ.get("TUNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["final", "trials", "diagnoses"])
def test_without_a_terminal_there_are_no_colours(name: str) -> None:
    assert "\x1b" not in drawn(picture(name))


def test_what_to_expect_on_new_data_is_told_where_its_noise_is_known() -> None:
    """Of a trial that still runs, too: there the search for the winner's luck found nobody and raised."""
    sweep = SweepLines(metric="val_accuracy", mode="max", trials=1)
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.report(trial, 1, {"val_accuracy": 0.9})
    assert "On new data" not in drawn(final(sweep.record()))
    sweep.lines[-1]["facts"] = {"n_val": 400}
    assert "On new data expect val_accuracy about 0.9 (95 % interval: 0.8706 to 0.9294)" in drawn(final(sweep.record()))


def test_a_users_text_is_not_read_as_markup_and_cannot_steer_the_terminal() -> None:
    sweep = SweepLines(name="[bold]x[/bold]\x1b[2J", metric="[red]m")
    trial = sweep.suggest(0, {"[link=evil]": "[/]"})
    sweep.report(trial, 1, {"[red]m": 1.0})
    sweep.end_trial(trial, "failed", "[blink]ValueError[/]\x07", "unknown")
    record = sweep.record()
    text = drawn(final(record)) + drawn(trials_table(record))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]x[/bold]" in text
    assert "[blink]ValueError[/]" in text
    assert "[link=evil]=[/]" in text


def test_what_one_copies_is_not_wrapped() -> None:
    text = drawn(final(four_endings().record(), report="/a/" + "long/" * 30 + "report.html"), width=60)
    assert "/a/" + "long/" * 30 + "report.html" in text.replace("\n", "\0")


def test_a_sweep_without_a_value_says_so() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(trial, [math.nan], [math.nan])
    sweep.end_trial(trial, "doomed", "diverged", "diverged")
    assert "No trial has a finite val_loss" in drawn(final(sweep.record()))


def test_a_curve_without_a_loss_is_drawn_all_the_same() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {})
    for epoch, value in enumerate(falling(1, 4), 1):
        sweep.report(trial, epoch, {"f1": value})
    sweep.end_trial(trial, "completed", "", "unknown")
    record = sweep.record().trials[0]
    assert record.diagnosis is not None
    text = drawn(diagnoses([History.from_epochs("a", record.epochs)], [record.diagnosis]))
    assert "f1" in text
    assert "1 to 0.343" in text
