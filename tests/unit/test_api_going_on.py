"""What may change when a run goes on, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tracking_kit import JournalBuilder
from tuner.api.going_on import open_again, trials_told
from tuner.errors import InputError
from tuner.records.run_directory import RunDirectory

SWEEP = """
name: digits
task: digits
model: softmax
space: {lr: {float: [1e-4, 1], log: true}}
search: {trials: 4, max_epochs: 5}
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    journal = JournalBuilder(tmp_path)
    journal.sweep().driver()
    for number in range(4):
        journal.trial(number, 2)
    journal.end()
    journal.directory.sweep.write_text(SWEEP)
    return journal.directory


def test_a_finished_run_is_over_unless_more_is_asked_for(run: RunDirectory) -> None:
    assert open_again(run).over
    assert open_again(run, {"search.trials": "4", "search.concurrency": "2"}).over
    again = open_again(run, {"search.trials": "9"})
    assert (again.over, again.changed, again.sweep.search.trials) == (False, {"search.trials": 9}, 9)
    assert not open_again(run, {"stop.target.val_loss": "0.1"}).over


@pytest.mark.parametrize(
    "path", ["search.concurrency", "stop.hours", "resources.cpu", "retries.times", "checkpoints.keep"]
)
def test_what_may_change(run: RunDirectory, path: str) -> None:
    assert open_again(run, {path: "7"}).changed == {path: 7}


def test_what_may_not_is_named_all_at_once_with_its_cure(run: RunDirectory) -> None:
    wrong = {
        "search.max_epochs": "9",
        "metric": "train_loss",
        "space.lr.float": "[1e-3, 1]",
        "search.algorithm": "random",
        "seed": "3",
        "search.trials": "3",
    }
    with pytest.raises(InputError) as caught:
        open_again(run, wrong, {"search.trials": "--trials"})
    found = {fault.where: fault.cure for fault in caught.value.faults}
    assert set(found) == {
        "search.max_epochs",
        "metric.name",
        "space.lr.float",
        "search.algorithm",
        "search.algorithm.rung_tpe.startup",
        "seed",
        "--trials",
    } - ({"search.algorithm.rung_tpe.startup"} - set(found))
    assert f"warm_start: [{run.name}]" in found["seed"]
    assert "4 or more" in found["--trials"]


def test_the_last_word_of_the_journal_counts() -> None:
    head = {"kind": "sweep", "trials": 4}
    assert trials_told([head]) == 4
    assert trials_told([head, {"kind": "change", "settings": {"stop.hours": 2}}]) == 4
    assert trials_told([head, {"kind": "change", "settings": {"search.trials": 9}}, {"kind": "end"}]) == 9
