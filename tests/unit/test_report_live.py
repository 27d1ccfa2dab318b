"""The views of a running sweep: what they count, what they show, and that they agree with the record."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tests.unit.report_records import DIVERGES, START, SweepLines, falling, four_endings
from tuner.records.fold import Fold
from tuner.report.live import IDLE_SECONDS, PROGRESS_SECONDS, LiveTable, PlainLines, Quiet, display
from tuner.report.progress import Progress
from tuner.report.summary import ending_counts, epochs_saved, verdict_counts


def terminal(width: int = 120) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, legacy_windows=False)


def text_of(view: LiveTable, now: float) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(view.picture(now))
    return console.file.getvalue()  # type: ignore[attr-defined]


def resumed() -> SweepLines:
    """Two drivers: the first interrupted one trial and was then followed by another, which ended it."""
    sweep = SweepLines(trials=2)
    one = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(one, [1.0, 0.9], [1.0, 0.9])
    sweep.end_trial(one, "interrupted", "stopped by the user", "unknown")
    sweep.end("stopped", "the user")
    sweep.driver(2)
    sweep.start(one, attempt=2, after_epoch=2)
    sweep.report(one, 3, {"train_loss": 0.5, "val_loss": 0.4}, attempt=2)
    two = sweep.suggest(1, {"lr": 0.9})
    sweep.report(two, 1, {"train_loss": 0.1, "val_loss": 0.2})
    sweep.add("finding", trial=two, finding=DIVERGES.to_json())
    sweep.end_trial(two, "doomed", "diverged", "diverged", [DIVERGES])
    sweep.end_trial(one, "completed", "all", "healthy")
    return sweep


@pytest.mark.parametrize("sweep", [four_endings(), resumed(), SweepLines()], ids=["four_endings", "resumed", "empty"])
def test_after_every_line_the_counts_are_those_of_the_record(sweep: SweepLines) -> None:
    progress, fold = Progress(), Fold()
    for line in sweep.lines:
        progress.apply([line])
        record = fold.apply([line]).record()
        counts = ending_counts(record)
        assert {name: progress.endings[name] for name in counts if name != "total"} == {
            name: amount for name, amount in counts.items() if name != "total"
        }
        assert progress.suggested == counts["total"]
        assert progress.saved == epochs_saved(record)
        assert progress.epochs == sum(len(trial.epochs) for trial in record.trials)
        best = record.best
        assert (progress.best.trial, progress.best.value) == (best.trial, best.value) if best else not progress.best


def test_verdicts_of_ended_trials_agree_with_the_record() -> None:
    progress = Progress()
    progress.apply(resumed().lines)
    assert {verdict: n for verdict, n in progress.verdicts.items() if n} == verdict_counts(resumed().record())


def test_the_table_shows_running_trials_the_best_and_the_time_left() -> None:
    sweep = four_endings()
    sweep.lines = [line for line in sweep.lines if line["kind"] not in ("end", "sweep_finding")]
    sweep.lines[0]["trials"] = 8
    running = sweep.suggest(4, {"lr": 0.02, "batch_size": 32, "optimizer": "adamw"})
    sweep.losses(running, falling(2, 3), falling(2, 3))
    view = LiveTable(terminal())
    for line in sweep.lines:
        view.lines([line])
    text = text_of(view, START + 410)
    assert "digits-mlp: 4 of 8 trials ended, 6 min 40 s, about 6 min 40 s left" in text
    assert "best val_loss 0.07329, trial 0000, epoch 9: lr=0.003" in text
    assert "completed 1, pruned 1, doomed 1, failed 1" in text
    assert "10 epochs saved" in text
    (row,) = [line for line in text.splitlines() if line.startswith("0004")]
    assert "3/9" in row
    assert "█" in row
    assert "lr=0.02" in row
    assert "0002 doomed after 2 epochs, diverged: diverged: training loss is not finite" in text


def test_a_lost_worker_takes_its_trial_out_of_the_running_ones() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {})
    progress = Progress()
    progress.apply(sweep.lines)
    assert [one.trial for one in progress.running] == [trial]
    progress.apply([{"kind": "lost", "at": START, "trial": trial, "attempt": 1, "failure": "lost", "reason": ""}])
    assert progress.running == []


def test_the_table_is_drawn_at_its_own_pace() -> None:
    view = LiveTable(terminal())
    drawn: list[float] = []
    view.picture = lambda now: drawn.append(now) or ""  # type: ignore[func-returns-value, method-assign]
    for step in range(100):
        if step < 50:
            view.lines([{"kind": "unheard of", "at": 0.0}])
        view.refresh(START + step * 0.1)
    view.close()
    busy = [now for now in drawn if now < START + 5]
    assert 15 <= len(busy) <= 20
    assert len(drawn) - len(busy) <= 5 / IDLE_SECONDS + 1


def test_many_running_trials_are_counted_beyond_a_screenful() -> None:
    sweep = SweepLines()
    for number in range(30):
        sweep.suggest(number, {"lr": 0.1})
    view = LiveTable(terminal())
    view.lines(sweep.lines)
    assert "and 18 more" in text_of(view, START)


def test_the_table_clears_up_after_itself() -> None:
    console = terminal()
    view = LiveTable(console)
    view.lines(four_endings().lines)
    view.refresh(START)
    view.close()
    view.close()
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[?25l" in written  # the cursor was hidden
    assert written.rstrip().endswith("\x1b[2K")  # and the last thing done is to wipe a line
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_plain_lines_tell_each_ending_once_and_progress_now_and_then() -> None:
    sweep, stream = four_endings(), io.StringIO()
    view = PlainLines(stream)
    for line in sweep.lines:
        view.lines([line])
        view.refresh(line["at"])
    view.close()
    rows = stream.getvalue().splitlines()
    assert "0001 pruned after 6 epochs, overfitting, val_loss 0.8: 3rd of 3 at epoch 6, the best 1 goes on" in rows
    assert sum(row.startswith("000") for row in rows) == 4
    assert "the sweep: the best trials were still improving at epoch 9, the last one" in rows
    told = [row for row in rows if row.startswith("digits-mlp:")]
    assert 1 < len(told) <= (sweep.now - START) / PROGRESS_SECONDS + 1


def test_progress_is_not_told_twice_unchanged() -> None:
    stream = io.StringIO()
    view = PlainLines(stream)
    view.lines([*SweepLines().lines])
    for step in range(100):
        view.refresh(START + 60.0 * step)
    assert len(stream.getvalue().splitlines()) == 1


def test_on_resume_old_endings_are_counted_but_not_told_again() -> None:
    sweep, stream = resumed(), io.StringIO()
    cut = next(place for place, line in enumerate(sweep.lines) if line["kind"] == "driver" and line["attempt"] == 2)
    view = PlainLines(stream)
    view.lines(sweep.lines[:cut])
    assert stream.getvalue() == ""
    assert view.progress.endings["interrupted"] == 1
    for line in sweep.lines[cut:]:
        view.lines([line])
    assert [row.split()[:2] for row in stream.getvalue().splitlines()] == [["0001", "doomed"], ["0000", "completed"]]


def test_the_clock_that_ends_the_sweep_is_named_when_it_comes_first() -> None:
    stream = io.StringIO()
    view = PlainLines(stream, deadline=START + 130)
    view.lines(SweepLines().lines)
    view.refresh(START + 10)
    assert "at most 2 min 00 s left" in stream.getvalue()


def test_the_view_suits_the_stream() -> None:
    stream = io.StringIO()
    assert isinstance(display(stream=stream), PlainLines)
    assert isinstance(display(quiet=True, stream=stream), Quiet)
    view: Any = display(quiet=True, stream=stream)
    view.lines(four_endings().lines)
    view.refresh(START)
    view.close()
    assert stream.getvalue() == ""


def test_what_the_cluster_was_asked_for_stands_there_until_a_trial_starts() -> None:
    sweep, stream = SweepLines(), io.StringIO()
    table, plain = LiveTable(terminal()), PlainLines(stream)
    sweep.add("waiting", says="waiting for a node that can hold a trial: 1 GPU, 4 CPU; at most 15 minutes")
    for view in (table, plain):
        view.lines(sweep.lines[:1])
        view.lines(sweep.lines[1:])
    assert "waiting for a node that can hold a trial: 1 GPU, 4 CPU" in text_of(table, START + 5)
    assert "a trial: 1 GPU, 4 CPU; at most 15 minutes\n" in stream.getvalue()
    sweep.suggest(0, {"lr": 0.1})
    table.lines(sweep.lines[-2:])
    assert "waiting" not in text_of(table, START + 6)
