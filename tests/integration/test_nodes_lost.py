"""Forty trials across two nodes, one of which dies in the middle, with the driver or without: nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cluster_kit import Nodes, by_node, running, wait_for
from drill_kit import check_everything, end, finish, only_run, start

from tuner.records.journal import Line, read_journal
from tuner.records.run_directory import RunDirectory

pytestmark = pytest.mark.slow

FORTY = ("digits_mlp", "--trials", 40, "--set", "search.max_epochs=4", "--set", "search.scheduler=none")


def test_a_node_dies_in_the_middle_and_all_forty_trials_end(tmp_path: Path, nodes: Nodes) -> None:
    driver = start(tmp_path, "run", *FORTY, "--address", nodes.address)
    try:
        dead = wait_for(driver, tmp_path, busiest_after(40))
        nodes.kill(dead)
        before = read_journal(only_run(tmp_path).journal)
        finish(driver, tmp_path, seconds=800)
    finally:
        end(driver)
    run = only_run(tmp_path)
    there = {trial for trial, node in running(before).items() if node == dead}
    all_ended_and_little_was_repeated(run, there)
    assert len(by_node(run)) == 2
    lost = [line for line in read_journal(run.journal) if line["kind"] == "lost"]
    assert lost
    assert {line["node"] for line in lost} == {dead}
    assert all(line["node_gone"] and dead in line["reason"] for line in lost)
    check_everything(tmp_path, run)


def test_node_and_driver_die_and_a_driver_elsewhere_goes_on(tmp_path: Path, nodes: Nodes) -> None:
    """Another working directory and process, as on another machine that sees the same storage."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    driver = start(first, "run", *FORTY, "--address", nodes.address)
    try:
        dead = wait_for(driver, first, busiest_after(40))
        nodes.kill(dead)
        driver.kill()
        driver.wait()
    finally:
        end(driver)
    run = only_run(first)
    before = read_journal(run.journal)
    there = {*running(before)} | {line["trial"] for line in before if line["kind"] == "lost"}
    finish(start(second, "run", "--resume", run.path, "--address", nodes.address), second, seconds=800)
    assert not (second / "runs").exists()
    assert read_journal(run.journal)[: len(before)] == before
    all_ended_and_little_was_repeated(run, there)
    check_everything(first, run)


def busiest_after(reports: int) -> Callable[[Sequence[Line]], str | None]:
    """The node with most running trials, once there are so many reports and they came from two nodes."""

    def found(lines: Sequence[Line]) -> str | None:
        seen = [line for line in lines if line["kind"] == "report"]
        at = Counter(running(lines).values())
        enough = len(seen) >= reports and len({line["node"] for line in seen if "node" in line}) > 1
        return at.most_common(1)[0][0] if enough and at else None

    return found


def all_ended_and_little_was_repeated(run: RunDirectory, there: set[str]) -> None:
    """Each of the forty has all its epochs once; trained again was at most one of each trial that lost its worker."""
    record, lines = run.record(), read_journal(run.journal)
    ends = [line["trial"] for line in lines if line["kind"] == "ending"]
    assert len(ends) == len(set(ends)) == len(record.trials) == 40
    for trial in record.trials:
        assert trial.ending in ("completed", "doomed"), trial.reason
        assert [row.epoch for row in trial.epochs] == list(range(1, len(trial.epochs) + 1))
        assert trial.node is not None
    starts = Counter(line["trial"] for line in lines if line["kind"] == "start")
    again = {trial.trial: trial.repeated for trial in record.trials if trial.repeated}
    assert max(again.values(), default=0) <= 1
    assert set(again) <= {trial for trial, times in starts.items() if times > 1}
    summary = json.loads(run.summary.read_text())
    ran = {node: len(set(trials)) for node, trials in by_node(run).items()}
    print(
        f"\ntrials with an attempt on each node: {ran}; running there when it died: {len(there)}; begun again: "
        f"{sum(times > 1 for times in starts.values())}; epochs repeated: {sum(again.values())} of "
        f"{summary['epochs']['trained']}; {summary['seconds']['total']:.0f} s"
    )
