"""The command line as a user meets it: output, exit codes, stopping, resuming. One process, without Ray."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from drill_kit import check_everything, end, finish, only_run, start

from tuner.records.journal import read_journal

QUICK = ("digits_mlp", "--address", "none", "--set", "search.max_epochs=3")
UNTRACKED = ("--set", "tracking.uri=none")

LOOPS = """
def failing(trial):
    raise RuntimeError("planted in every trial")
"""
FAILING = """
name: failing
loop: loops:failing
space: {x: {float: [0, 1]}}
search: {trials: 3, max_epochs: 2}
tracking: {uri: none}
"""


@pytest.mark.slow
def test_a_sweep_from_the_command_line_leaves_everything(tmp_path: Path) -> None:
    out = finish(start(tmp_path, "run", *QUICK, "--trials", 4, "--json"), tmp_path)
    summary = json.loads(out)
    assert summary["status"] == "finished"
    assert summary["trials"]["total"] == 4
    run = only_run(tmp_path)
    check_everything(tmp_path, run)
    again = finish(start(tmp_path, "run", "--resume", run.name, "--json"), tmp_path)
    assert json.loads(again) == json.loads(run.summary.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_cleanly_and_the_sweep_can_go_on(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, "run", *QUICK, "--trials", 400)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        journals = list((tmp_path / "runs").glob("*/journal.jsonl"))
        if journals and sum(line["kind"] == "report" for line in read_journal(journals[0])) >= 4:
            break
        time.sleep(0.02)
    process.send_signal(number)
    try:
        finish(process, tmp_path, expected=130)
    finally:
        end(process)
    run = only_run(tmp_path)
    check_everything(tmp_path, run)
    summary = json.loads(run.summary.read_text())
    assert summary["status"] == "stopped"
    assert summary["trials"]["interrupted"] <= 1  # none, when the signal came between two trials
    assert 0 < summary["trials"]["total"] < 400
    out = finish(
        start(tmp_path, "run", "--resume", run.name, "--address", "none", "--set", "stop.hours=0.002", "--json"),
        tmp_path,
    )
    resumed = json.loads(out)
    assert resumed["trials"]["total"] > summary["trials"]["total"]
    check_everything(tmp_path, run)


def test_when_every_trial_fails_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text(LOOPS)
    (tmp_path / "failing.yaml").write_text(FAILING)
    out = finish(start(tmp_path, "run", "failing.yaml", "--address", "none", "--json"), tmp_path, expected=3)
    summary = json.loads(out)
    assert (summary["status"], summary["trials"]["failed"], summary["best"]) == ("failed", 3, None)
    assert "planted in every trial" in only_run(tmp_path).record().trials[0].traceback


def test_a_file_with_faults_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\ntask: digitz\nmodel: mlp\nspace: {lr: [0.1, 1]}\n")
    assert finish(start(tmp_path, "run", "bad.yaml"), tmp_path, expected=2) == ""
    said = (tmp_path / "err.txt").read_text()
    assert "digits" in said
    assert "choice" in said
    assert "Traceback" not in said
    assert not (tmp_path / "runs").exists()


def test_an_unknown_run_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    finish(start(tmp_path, "report", "nowhere"), tmp_path, expected=2)
    assert "nowhere" in (tmp_path / "err.txt").read_text()


def test_one_configuration_is_trained_here(tmp_path: Path) -> None:
    out = finish(
        start(tmp_path, "train", "digits_mlp", "--config", "lr=0.01", "--set", "search.max_epochs=2", "--json"),
        tmp_path,
    )
    trained = json.loads(out)
    assert trained["config"]["lr"] == 0.01
    assert [epoch["epoch"] for epoch in trained["epochs"]] == [1, 2]
    assert not (tmp_path / "runs").exists()
