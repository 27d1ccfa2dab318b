"""`--resume RUN --trials N` on a finished run: more trials, one journal, every file and MLflow brought up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drill_kit import check_everything, finish, only_run, start
from mlflow.tracking.client import MlflowClient

from tuner.records.journal import read_journal

QUICK = ("digits_mlp", "--address", "none", "--set", "search.max_epochs=3")


@pytest.mark.slow
def test_a_finished_run_goes_on_and_mlflow_with_it(tmp_path: Path) -> None:
    finish(start(tmp_path, "run", *QUICK, "--trials", 4, "--json"), tmp_path)
    run = only_run(tmp_path)
    before = read_journal(run.journal)
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = [found for found in client.search_experiments() if found.name != "Default"]

    def parent():
        (found,) = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{run.name}'")
        return found

    first = parent()
    assert first.info.status == "FINISHED"
    out = finish(start(tmp_path, "run", "--resume", run.name, "--address", "none", "--trials", 7, "--json"), tmp_path)
    summary = json.loads(out)
    assert (summary["status"], summary["trials"]["total"]) == ("finished", 7)
    lines = read_journal(run.journal)
    assert lines[: len(before)] == before
    assert [line["settings"] for line in lines if line["kind"] == "change"] == [{"search.trials": 7}]
    check_everything(tmp_path, run)
    assert "trials: 7" in run.sweep.read_text()
    assert run.record().total_trials == 7
    after = parent()
    assert (after.info.run_id, after.info.status) == (first.info.run_id, "FINISHED")
    assert after.info.end_time > first.info.end_time
    assert after.data.tags["tuner.trials"] == "7"
    assert after.data.metrics["trials"] == 7

    finish(start(tmp_path, "run", "--resume", run.name, "--address", "none", "--trials", 7, "--json"), tmp_path)
    assert read_journal(run.journal) == lines, "nothing more to do"


@pytest.mark.slow
def test_what_cannot_change_is_refused_all_at_once(tmp_path: Path) -> None:
    finish(start(tmp_path, "run", *QUICK, "--trials", 4, "--set", "tracking.uri=none", "--json"), tmp_path)
    run = only_run(tmp_path)
    before = run.journal.read_bytes()
    wrong = ("search.max_epochs=9", "metric=train_loss", "space.lr.float=[1e-4,1]", "seed=3")
    flags = [word for path in wrong for word in ("--set", path)]
    out = finish(
        start(tmp_path, "run", "--resume", run.name, "--address", "none", "--trials", 2, *flags), tmp_path, expected=2
    )
    assert out == ""
    assert run.journal.read_bytes() == before
