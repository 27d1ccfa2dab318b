"""Further seeds in what is drawn and written: terminal, page, summary, tables, the live view, MLflow's tags."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from control_kit import Outcome, Sweep, report

from tuner.control.rules import Rules
from tuner.records.epochs import Assignment
from tuner.records.run_directory import RunDirectory
from tuner.records.seeds import over_seeds
from tuner.records.trial import FinalTest, SweepRecord
from tuner.report.html import html
from tuner.report.progress import Progress
from tuner.report.summary import summary
from tuner.report.tables import curves_table, trials_table
from tuner.report.terminal import final, show
from tuner.search.study_log import write_study_log
from tuner.tracking.mapping import sweep_points, sweep_tags, trial_tags

RULES = Rules(metric="val_loss", mode="min", max_epochs=2, trials=4, seed=5, doomed=False)
FINALS = replace(RULES, final_top=2, final_seeds=2)


def curve(job: Assignment, epoch: int) -> Outcome:
    return report(job, epoch, 0.3 + 0.1 * float(np.random.default_rng(job.seed).random()) + 0.5 / epoch)


def done(rules: Rules) -> tuple[Sweep, SweepRecord]:
    sweep = Sweep(rules, scheduler="none")
    return sweep, sweep.run(curve)


def terminal(record: SweepRecord) -> str:
    out = io.StringIO()
    show(final(record), out, width=120)
    return out.getvalue()


def test_the_finalists_table_stands_in_the_terminal_and_on_the_page() -> None:
    _, record = done(FINALS)
    first, second = over_seeds(record)
    said, page = terminal(record), html(record)
    assert "chosen by the mean over 2 further seeds" in said
    for one in (first, second):
        row = next(line for line in said.splitlines() if line.startswith(one.trial.trial))
        assert all(f"{value:.4g}" in row for value in (one.mean, *(one.interval or ()), *one.values, one.trial.value))
        assert f"{one.mean:.4g}" in page
    assert "Finalists" in page
    assert terminal(done(RULES)[1]).count("Finalists") == 0


def test_finalists_that_are_not_done_say_so() -> None:
    _, record = done(FINALS)
    half = replace(record, repeats=record.repeats[:-1])
    said = terminal(half)
    assert "the finalists have not all been trained" in said
    assert "…" in said


def test_summary_has_the_mean_the_interval_and_each_seed() -> None:
    _, record = done(FINALS)
    content = json.loads(json.dumps(summary(record), allow_nan=False))
    best = over_seeds(record)[0]
    assert content["best"]["trial"] == best.trial.trial
    assert content["best"]["mean"] == pytest.approx(best.mean)
    assert content["best"]["interval"] == pytest.approx(list(best.interval or ()))
    assert [seed["value"] for seed in content["best"]["seeds"]] == list(best.values)
    assert [one["trial"] for one in content["finalists"]] == [one.trial.trial for one in over_seeds(record)]
    assert (content["trials"]["total"], content["epochs"]["trained"]) == (4, 16)
    plain = summary(done(RULES)[1])
    assert "finalists" not in plain
    assert "mean" not in plain["best"]


def test_the_tables_have_a_row_for_each_training_and_say_of_whom() -> None:
    _, record = done(FINALS)
    trials = trials_table(record).to_pydict()
    assert trials["repeat_of"] == [None] * 4 + [trial.repeat_of for trial in record.repeats]
    assert len(set(trials["seed"])) == 8
    assert curves_table(record).num_rows == 16
    assert "repeat_of" not in trials_table(done(RULES)[1]).column_names


def test_the_live_view_counts_trials_and_further_seeds_apart() -> None:
    sweep, record = done(FINALS)
    view = Progress()
    view.apply(sweep.lines)
    assert (view.done, view.further, view.further_wanted, view.epochs) == (4, 4, 4, 16)
    assert view.best is not None
    assert view.best.trial == min(record.trials, key=lambda trial: trial.value or 0.0).trial


def test_optuna_is_shown_the_mean_of_the_repeats(tmp_path: Path) -> None:
    from control_kit import SPACE

    _, record = done(replace(RULES, repeats=2))
    write_study_log(record, SPACE, tmp_path / "study.log")
    rows = [json.loads(line) for line in (tmp_path / "study.log").read_text().splitlines()]
    values = [row["values"][0] for row in rows if row["op_code"] == 6]
    means = {one.trial.number: one.mean for one in over_seeds(record)}
    assert values == pytest.approx([means[number] for number in range(4)])


def test_mlflow_is_told_of_whom_and_which_seed_and_what_the_test_said() -> None:
    _, record = done(FINALS)
    head = {"run": "r", "name": "n"}
    tags = trial_tags(record.repeats[0], head, {})
    assert (tags["tuner.repeat_of"], tags["tuner.seed"]) == (record.finalists[0], str(record.repeats[0].seed))
    assert "tuner.repeat_of" not in trial_tags(record.trials[0], head, {})
    tested = FinalTest("0001", "0001-2", 2, {"test_loss": 0.5}, {"val_loss": 0.4}, {"loss": 0.1}, 9, 9, 1, 5.0, "said")
    seen = replace(record, final_test=tested)
    points = {point.name: point.value for point in sweep_points(seen)}
    assert points["test_loss"] == 0.5
    assert points["best_mean_val_loss"] == pytest.approx(over_seeds(record)[0].mean)
    assert sweep_tags(seen, {})["tuner.test.touched"] == "1"
    assert "said" in terminal(seen)
    assert "said" in html(seen)


def test_the_best_weights_are_those_of_the_winners_best_training_that_were_kept(tmp_path: Path) -> None:
    _, record = done(FINALS)
    directory = RunDirectory(tmp_path)
    best = over_seeds(record)[0]
    assert directory.best_checkpoint(record) is None
    ranked = sorted((best.trial, *best.trainings), key=lambda trial: trial.value or 0.0)
    for training in ranked[1:]:
        directory.trial_checkpoints(training.trial).mkdir(parents=True)
        (directory.trial_checkpoints(training.trial) / "best.pt").touch()
    kept = directory.best_checkpoint(record)
    assert kept is not None
    assert kept[0].trial == ranked[1].trial
