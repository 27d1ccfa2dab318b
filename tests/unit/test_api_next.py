"""`tuner next`: what the findings change in the file, what starts warm, and that the file runs as it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from control_kit import Outcome, report
from next_kit import FILE, read, write_run
from typer.testing import CliRunner

from tuner.api.next import next_sweep
from tuner.api.warm import gather
from tuner.cli import app
from tuner.diagnosis.next_space import plan
from tuner.errors import InputError
from tuner.records.epochs import Assignment, Failure
from tuner.records.finding import Finding, Remedy
from tuner.space import Choice, Constant, Float


def settled(assignment: Assignment, epoch: int) -> Outcome:
    """Best in the middle of both ranges, and all over after three epochs."""
    lr, dropout = float(assignment.config["lr"] or 0), float(assignment.config["dropout"] or 0)
    floor = 0.2 + 0.1 * (math.log10(lr) + 2.5) ** 2 + 2 * (dropout - 0.3) ** 2
    return report(assignment, epoch, floor + 2.0 * math.exp(-2.5 * epoch) + 1e-3 * math.cos(7 * epoch))


def diverging(assignment: Assignment, epoch: int) -> Outcome:
    """Above 0.02 it diverges; dropout does nothing."""
    lr = float(assignment.config["lr"] or 0)
    if lr > 0.02 and epoch >= 2:
        return report(assignment, epoch, math.nan)
    floor = 0.2 + 0.1 * (math.log10(lr) + 3) ** 2
    return report(assignment, epoch, floor + 2.0 * math.exp(-2.5 * epoch) + 1e-3 * math.cos(7 * epoch))


def improving(assignment: Assignment, epoch: int) -> Outcome:
    lr = float(assignment.config["lr"] or 0)
    return report(assignment, epoch, 3 - 0.2 * epoch + 0.1 * (math.log10(lr) + 2.5) ** 2)


def test_a_healthy_sweep_goes_on_in_its_space(tmp_path: Path) -> None:
    write_run(tmp_path, settled)
    made = next_sweep("planted-run", tmp_path)
    assert made.changes == ()
    assert made.sweep.name == "planted-2"
    assert {p.name: p.domain for p in made.sweep.space.parameters} == {
        "lr": Float(1e-5, 1.0, True),
        "dropout": Float(0.0, 0.6),
    }
    assert "No finding asks for a change" in made.text
    assert made.sweep.seed == 1, "random draws would be the same again"
    assert made.sweep.data.seed == 0, "the same validation examples: old and new values can be compared"
    assert len(gather(made.sweep, tmp_path).lines) == 40
    assert made.sweep.search.enqueue == ()


def test_each_change_stands_under_its_reason_and_the_file_reads_back(tmp_path: Path) -> None:
    write_run(tmp_path, diverging)
    made = next_sweep("planted-run", tmp_path)
    paths = {change.path: change for change in made.changes}
    assert set(paths) == {"space.lr.high", "space.dropout"}
    assert read(made.text) == made.sweep
    rows = made.text.splitlines()
    lr = next(i for i, row in enumerate(rows) if row.strip().startswith("lr:"))
    assert rows[lr - 1].strip().startswith("# lr.high 1 -> ")
    assert "diverged" in rows[lr - 1]
    domain = made.sweep.space["lr"].domain
    assert isinstance(domain, Float)
    assert 0.01 < domain.high < 0.1
    assert isinstance(made.sweep.space["dropout"].domain, Constant)


BATCHES = FILE.replace("search:", "  batch_size: {choice: [32, 64, 128, 256], default: 32}\nsearch:")


@pytest.mark.parametrize(("limit", "left"), [(200, Choice((32, 64, 128))), (50, Constant(32))])
def test_batch_sizes_that_ran_out_of_memory_leave_the_choice(
    tmp_path: Path, limit: int, left: Choice | Constant
) -> None:
    def short_of_memory(assignment: Assignment, epoch: int) -> Outcome:
        if int(assignment.config["batch_size"] or 0) > limit:
            return Failure(assignment.trial, assignment.attempt, "out_of_memory", "out of memory with batch_size")
        return settled(assignment, epoch)

    write_run(tmp_path, short_of_memory, BATCHES)
    made = next_sweep("planted-run", tmp_path)
    (change,) = [change for change in made.changes if change.symptom == "out_of_memory"]
    assert change.path == "space.batch_size.high"
    assert made.sweep.space["batch_size"].domain == left
    assert "ran out of memory" in made.text
    assert made.dropped == ()


def test_old_trials_fit_where_the_new_space_holds_them(tmp_path: Path) -> None:
    directory = write_run(tmp_path, diverging)
    made = next_sweep("planted-run", tmp_path)
    warm = gather(made.sweep, tmp_path)
    high = made.sweep.space["lr"].domain
    assert isinstance(high, Float)
    inside = [t for t in directory.record().trials if float(t.config["lr"] or 0) <= high.high]
    assert [line["source"] for line in warm.lines] == [t.trial for t in inside]
    assert 20 < len(inside) < 40
    assert len({line["config"]["dropout"] for line in warm.lines}) == 1, "dropout is idle: its old values do not matter"
    assert f"{len(inside)} of 40 trials fit" in made.notes[0]
    assert f"{40 - len(inside)} with lr above" in made.notes[0]
    assert len({line["number"] for line in warm.lines}) == len(warm.lines)


def test_trials_of_a_shorter_sweep_are_told_as_pruned(tmp_path: Path) -> None:
    write_run(tmp_path, improving)
    made = next_sweep("planted-run", tmp_path)
    assert made.sweep.search.max_epochs > 9
    assert {line["ending"] for line in gather(made.sweep, tmp_path).lines} == {"pruned"}
    (again,) = made.sweep.search.enqueue
    best = made.sweep.space.contains(again)
    assert best
    assert "once more with all epochs" in made.text


WARM = FILE.replace("scheduler: none", "warm_start: [planted-run]")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (WARM.replace("planted\n", "other\n").replace("digits", "mnist"), "of another task"),
        (WARM + "metric: {name: grad_norm, mode: min}\n", "without a finite grad_norm"),
        (WARM.replace("[0, 0.6]", "[0.7, 0.8]").replace("default: 0.1", "default: 0.7"), "with dropout below 0.7"),
    ],
)
def test_what_does_not_fit_is_counted_and_named(tmp_path: Path, text: str, why: str) -> None:
    write_run(tmp_path, settled)
    warm = gather(read(text), tmp_path)
    assert warm.lines == ()
    assert warm.notes == (f"warm start from planted-run: 0 of 40 trials fit; left out: 40 {why}",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (WARM + "seed: 5\n", "the data differ"),
        (WARM + "fixed: {schedule: cosine}\n", "schedule was another"),
        (WARM + "fixed: {schedule: cosine}\n", ""),
    ],
)
def test_under_other_conditions_the_best_are_trained_again_and_none_is_told(
    tmp_path: Path, text: str, why: str
) -> None:
    directory = write_run(tmp_path, settled)
    if not why:  # the user says that it does not matter
        text = text.replace("[planted-run]", "[{run: planted-run, trust: true}]")
    warm = gather(read(text), tmp_path)
    if not why:
        assert len(warm.lines) == 40
        assert not any(line.get("again") for line in warm.lines)
        return
    assert f"40 discounted, since {why}" in warm.notes[0]
    assert warm.heads[0]["discounted"] == [[40, why]]
    ranked = sorted(directory.record().trials, key=lambda trial: trial.value or 0.0)[:5]
    assert {line["source"] for line in warm.lines} == {trial.trial for trial in ranked}
    assert all(line["again"] for line in warm.lines)


def test_reports_count_up_to_the_new_last_epoch(tmp_path: Path) -> None:
    write_run(tmp_path, improving)
    warm = gather(read(WARM.replace("max_epochs: 9", "max_epochs: 4")), tmp_path)
    assert {len(line["reports"]) for line in warm.lines} == {4}
    assert {line["ending"] for line in warm.lines} == {"completed"}
    assert all(line["value"] == line["reports"][-1][1] for line in warm.lines)


def test_a_run_that_is_not_there_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run"):
        gather(read(WARM), tmp_path)


def finding(symptom: str, *remedies: Remedy) -> Finding:
    return Finding(symptom, 0.9, symptom, remedies=remedies)


def test_of_two_changes_of_one_place_the_first_wins() -> None:
    changes = plan(
        [
            finding("a", Remedy("space.lr.high", "", "", 1.0, 0.1), Remedy("more data", "")),
            finding("b", Remedy("space.lr.high", "", "", 1.0, 10.0), Remedy("space.optimizer", "", "", None, "sgd")),
            finding(
                "c", Remedy("space.optimizer.sgd.momentum.high", "", "", 0.5, 0.9), Remedy("space.lr", "", "", None, 1)
            ),
            finding("d", Remedy("dropout: higher", ""), Remedy("search.max_epochs", "", "", 9, 9)),
        ]
    )
    assert [(change.path, change.new) for change in changes] == [("space.lr.high", 0.1), ("space.optimizer", "sgd")]


def test_a_change_that_makes_the_file_invalid_is_dropped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tuner.api.next

    write_run(tmp_path, settled)
    asked = [
        finding("a", Remedy("space.dropout.high", "too low", "", 0.6, 1.5)),
        finding("b", Remedy("search.scheduler.grace", "early", "", 1, 3), Remedy("space.gone.low", "?", "", 1, 3)),
        finding("c", Remedy("space.lr.low", "wide\nenough", "", 1e-5, 1e-4)),
    ]
    monkeypatch.setattr(tuner.api.next, "diagnose_sweep", lambda record: asked)
    made = next_sweep("planted-run", tmp_path)
    assert [change.path for change in made.changes] == ["space.lr.low"]
    assert [change.path for change, _ in made.dropped] == [
        "space.dropout.high",
        "search.scheduler.grace",
        "space.gone.low",
    ]
    assert all(why for _, why in made.dropped)
    assert made.text.count("# Not changed: ") == 3
    assert read(made.text) == made.sweep


# --- the command -------------------------------------------------------------------------------------------------


def call(*words: object) -> Any:
    return CliRunner().invoke(app(), [str(word) for word in words])


def test_the_command_writes_the_file_and_says_what_changed(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", diverging)
    out = tmp_path / "next.yaml"
    said = call("next", "planted-run", "-o", out, "--runs", tmp_path / "runs")
    assert said.exit_code == 0
    assert said.stdout == f"tuner run {out}\n"
    assert "space.lr.high: " in said.stderr
    assert read(out.read_text()).search.warm_start[0].run == "planted-run"
    again = call("next", "planted-run", "-o", out, "--runs", tmp_path / "runs")
    assert isinstance(again.exception, InputError)
    assert call("next", "planted-run", "-o", out, "--force", "--runs", tmp_path / "runs").exit_code == 0


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", diverging)
    said = call("next", "planted-run", "--json", "--runs", tmp_path / "runs")
    found = json.loads(said.stdout)
    assert found["run"] == "planted-run"
    assert {change["path"] for change in found["changes"]} == {"space.lr.high", "space.dropout"}
    assert read(found["text"]).name == "planted-2"


def test_a_run_without_a_value_has_no_next(tmp_path: Path) -> None:
    write_run(tmp_path, lambda assignment, epoch: report(assignment, epoch, math.nan))
    with pytest.raises(InputError, match="nothing to learn from"):
        next_sweep("planted-run", tmp_path)
