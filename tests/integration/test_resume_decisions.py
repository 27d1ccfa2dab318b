"""kill -9 of a driver on Ray: the resumed sweep decides what its journal's reports ask for, in their order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from drill_kit import finish, kill_after_lines, only_run, start

from tests.contract.uninterrupted import decided_without_a_kill, decisions
from tuner.control.rules import Rules
from tuner.records.journal import read_journal
from tuner.search.make import make_scheduler, make_searcher
from tuner.sweep import read_sweep
from tuner.training.catalogue import CATALOGUE

SMALL = ("digits_mlp", "--trials", 16, "--set", "search.max_epochs=9", "--set", "search.algorithm={tpe: {startup: 5}}")
KILLS = 2


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["asha", "asha_promotion", "hyperband"])
def test_a_sweep_killed_on_ray_decides_as_one_that_never_was(tmp_path: Path, scheduler: str) -> None:
    moments = random.Random(scheduler)
    process = start(tmp_path, "run", *SMALL, "--set", f"search.scheduler={scheduler}")
    lines = killed = 0
    for _ in range(KILLS):
        lines += moments.randint(15, 30)
        if not kill_after_lines(process, tmp_path, lines):
            break
        killed += 1
        run = only_run(tmp_path)
        lines = len(read_journal(run.journal))
        process = start(tmp_path, "run", "--resume", run.name)
    assert killed > 0
    finish(process, tmp_path)
    run = only_run(tmp_path)
    journal, sweep = read_journal(run.journal), read_sweep(run.sweep, catalogue=CATALOGUE)
    assert sum(line["kind"] == "driver" for line in journal) == 1 + killed
    assert sum(line["kind"] == "suggestion" for line in journal) == 16
    search = sweep.search
    searcher = make_searcher(
        search.algorithm, search.algorithm_options, sweep.space, mode=sweep.metric.mode, seed=sweep.seed
    )
    judge = make_scheduler(search.scheduler, search.scheduler_options, max_epochs=search.max_epochs)
    made = decisions(journal)
    assert {kind for kind, *_ in made} >= {"suggestion", "rung", "ending"}
    assert made == decided_without_a_kill(journal, Rules.from_sweep(sweep), searcher, judge)
