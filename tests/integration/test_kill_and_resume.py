"""kill -9 of the driver, and resume: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from drill_kit import check_everything, finish, kill_after_lines, only_run, start

from tuner.errors import InputError
from tuner.records.journal import Journal, read_journal

SMALL = ("digits_mlp", "--trials", 10, "--set", "search.max_epochs=9")


@pytest.mark.slow
def test_killed_again_and_again_a_sweep_still_ends_whole(tmp_path: Path) -> None:
    """As many random moments as TUNER_KILLS says (3): in a sweep that goes on after each."""
    moments = random.Random(int(os.environ.get("TUNER_KILLS_SEED", "1")))
    kills = int(os.environ.get("TUNER_KILLS", "3"))
    process = start(tmp_path, "run", *SMALL)
    lines = 0
    killed = 0
    finished: list[str] = []
    for _ in range(kills):
        lines += moments.randint(3, 20)
        if not kill_after_lines(process, tmp_path, lines):
            break
        killed += 1
        run = only_run(tmp_path)
        now_ended = [line["trial"] for line in read_journal(run.journal) if line["kind"] == "ending"]
        assert finished == now_ended[: len(finished)]
        finished = now_ended
        lines = len(read_journal(run.journal))
        process = start(tmp_path, "run", "--resume", run.name)
    assert killed > 0
    finish(process, tmp_path)
    run = only_run(tmp_path)
    ends = [line["trial"] for line in read_journal(run.journal) if line["kind"] == "ending"]
    assert len(ends) == len(set(ends)) == 10
    check_everything(tmp_path, run)


@pytest.mark.slow
def test_killed_in_one_process_it_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    words = (*SMALL, "--address", "none")
    finish(start(whole, "run", *words), whole)
    process = start(broken, "run", *words)
    assert kill_after_lines(process, broken, 14)
    finish(start(broken, "run", "--resume", only_run(broken).name, "--address", "none"), broken)

    def curves(folder: Path) -> list[object]:
        return [(t.trial, t.ending, [dict(e.metrics) for e in t.epochs]) for t in only_run(folder).record().trials]

    assert curves(whole) == curves(broken)


@pytest.mark.slow
def test_killed_with_two_workers_a_trial_it_goes_on(tmp_path: Path) -> None:
    """On the resume with one, as their checkpoints do not depend on how many there are."""
    two = ("--cpus", 2, "--set", "resources.workers=2", "--set", "resources.cpu=0.5", "--set", "tracking.uri=none")
    process = start(tmp_path, "run", *SMALL, *two)
    assert kill_after_lines(process, tmp_path, 14)
    run = only_run(tmp_path)
    finish(start(tmp_path, "run", "--resume", run.name, "--cpus", 2, "--set", "resources.workers=1"), tmp_path)
    ends = [line["trial"] for line in read_journal(run.journal) if line["kind"] == "ending"]
    assert len(ends) == len(set(ends)) == 10
    assert {trial.ending for trial in run.record().trials} <= {"completed", "pruned", "doomed"}
    assert all(len(trial.epochs) == 9 for trial in run.record().trials if trial.ending == "completed")


@pytest.mark.slow
def test_resumed_from_another_folder_it_is_tracked_where_it_was(tmp_path: Path) -> None:
    """The default store lies beside the run's folder; it was looked for beside the `runs` of the resuming one, so that
    MLflow showed trials that ran for ever here, and a half sweep there."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    process = start(first, "run", "digits_mlp", "--trials", 4, "--set", "search.max_epochs=4", "--address", "none")
    assert kill_after_lines(process, first, 9)
    run = only_run(first)
    finish(start(second, "run", "--resume", run.path, "--address", "none"), second)
    assert not list(second.glob("mlflow.db*"))
    check_everything(first, run)


def test_a_second_driver_is_refused_and_a_killed_ones_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as first:
        first.append({"kind": "sweep", "version": 1})
        with pytest.raises(InputError, match="driver already"):
            Journal(path)
    with Journal(path) as again:
        assert again.lines == [{"kind": "sweep", "version": 1}]
