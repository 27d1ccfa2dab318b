"""Descriptions in MLflow: the answer first, nothing of a user's text is Markdown or HTML, and none is too long."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_records import DIVERGES, MORE_EPOCHS, OVERFITS, four_endings

from tuner.records.finding import Diagnosis
from tuner.records.trial import FinalTest, SweepRecord, TrialRecord
from tuner.tracking.note import LONGEST, escaped, sweep_note, trial_note

PAGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def text_of(markdown: str) -> str:
    """What a reader sees, without the tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", PAGE.render(markdown)))


def ended(**changes: object) -> SweepRecord:
    record = replace(four_endings().record(), status="finished", reason="", findings=(MORE_EPOCHS,))
    return replace(record, **changes)  # type: ignore[arg-type]


def trial(**changes: object) -> TrialRecord:
    record = TrialRecord("0003", 3, {"lr": 0.003}, "tpe", "completed", value=0.3, best_epoch=2)
    return replace(record, **changes)  # type: ignore[arg-type]


@given(st.text(min_size=1, max_size=60))
@example("<script>alert(1)</script>")
@example("| a | b |")
@example("[x](javascript:alert(1)) ![y](z) `c` **d** _e_ ~~f~~ @you https://example.org &lt; \\")
@example("a_b_c __init__ # 1")
def test_any_text_is_shown_as_it_was_written(text: str) -> None:
    line = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    shown = PAGE.render(f"| x |\n|---|\n| a {escaped(text)} z |\n")
    assert "<a" not in shown and "<img" not in shown and "<em>" not in shown and "<script" not in shown
    assert " ".join(text_of(f"a {escaped(text)} z").split()) == " ".join(f"a {line} z".split())


def test_the_sweeps_note_answers_first_and_has_the_table_the_findings_and_the_places() -> None:
    record = ended()
    assert record.best is not None
    note = sweep_note(record, "7")
    shown, page = text_of(note), PAGE.render(note)
    assert shown.startswith(f"Trial {record.best.trial} is the best (finished): val_loss ")
    assert "To expect: a little worse than that" in shown
    assert page.count("<tr>") > 2
    assert "search.max_epochs from 9 to 18, since validation loss would fall for some 9 epochs more" in shown
    assert "#/experiments/7/runs?viewStateShareKey=tuner" in note
    assert f"tuner report {record.run}" in note
    first = re.search(r"<tbody>\s*<tr>\s*<td[^>]*>(\w+)", page)
    assert first is not None and first[1] == record.best.trial


def test_what_the_final_test_said_is_what_to_expect() -> None:
    record = ended()
    assert record.best is not None
    tested = FinalTest("0000", "0000", 3, {}, {}, {}, 100, 100, 1, 1.0, "on the test split accuracy is 0.91")
    note = sweep_note(replace(record, final_test=tested), "1")
    assert "**To expect:** on the test split accuracy is 0.91." in note


def test_a_sweep_without_a_result_says_so() -> None:
    record = SweepRecord("r", "p", "digits", "val_loss", "min", 5, 1, "failed", (), reason="all 1 trials failed")
    note = sweep_note(record, "1")
    assert note.startswith("**No trial has a result** (failed: all 1 trials failed).")
    assert "To expect" not in note


def test_a_running_sweep_and_one_whose_driver_died() -> None:
    record = ended(status="running")
    assert "it runs" in sweep_note(record, "1")
    assert "--resume" in sweep_note(record, "1", abandoned=True)


def test_however_long_names_and_findings_are_the_note_fits_and_no_row_is_cut() -> None:
    record = ended()
    assert record.best is not None
    config = {f"a_rather_long_parameter_name.{i}": "<&@|" * 30 for i in range(40)}
    says = replace(OVERFITS, says="<&@|" * 200)
    found = Diagnosis("x", "overfitting", (says,))
    many = tuple(replace(record.best, trial=f"{i:04d}", number=i, config=config, diagnosis=found) for i in range(30))
    note = sweep_note(replace(record, trials=many, findings=(says,) * 12), "1")
    assert len(note) <= LONGEST
    assert all(row.endswith(" |") and row.count(" | ") == 6 for row in note.splitlines() if row.startswith("| 0"))
    assert "report.html" in note


def test_a_trials_note_is_its_verdict_its_remedy_its_ending_and_its_best_value() -> None:
    found = trial(diagnosis=Diagnosis("0003", "overfitting", (OVERFITS, DIVERGES)), reason="2nd of 3", ending="pruned")
    assert text_of(trial_note(found, "val_loss")).strip() == (
        "overfitting since epoch 4: validation loss has risen 31 % since epoch 4 while training loss fell 54 %. "
        "Remedy: dropout from 0.1 to 0.3, since less of the training set is learnt by heart. Pruned: 2nd of 3."
    )
    healthy = trial(diagnosis=Diagnosis("0003", "healthy"))
    assert trial_note(healthy, "val_loss") == "healthy. Completed."


def test_an_error_with_html_in_it_is_text() -> None:
    note = trial_note(trial(ending="failed", reason="ValueError: <script>alert(1)</script>"), "val_loss")
    assert "<script" not in PAGE.render(note)
    assert "<script>alert(1)</script>" in text_of(note)
