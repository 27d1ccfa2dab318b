"""Nodes that are taken away, freeze or lose one worker after the other; trials that lie on two of them."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
from pathlib import Path

import pytest
from cluster_kit import Nodes, running, unshared, wait_for
from drill_kit import end, finish, only_run, start

from tuner.records.journal import Line, read_journal

pytestmark = pytest.mark.slow

LOOP = """
    import os
    import time
    from pathlib import Path

    import ray

    def loop(trial):
        kept = trial.restore()
        first = 1 if kept is None else int(kept.read_text()) + 1
        here = ray.get_runtime_context().get_node_id()[:8]
        for epoch in range(first, trial.max_epochs + 1):
            time.sleep(0.3)
            bad = Path(__file__).with_name("bad")
            if epoch == 2 and bad.exists() and bad.read_text() == here:
                os._exit(1)
            (trial.scratch / "state").write_text(str(epoch))
            trial.checkpoint(trial.scratch / "state")
            trial.report(epoch, train_loss=1.0 / epoch, val_loss=1.0 / epoch + trial.config["x"])
"""
SWEEP = """
    name: patient
    loop: patient:loop
    space: {x: {float: [0, 1]}}
    search: {algorithm: random, scheduler: none, trials: 8, max_epochs: 6}
    tracking: {uri: none}
"""


def patient(folder: Path) -> str:
    """A sweep of eight trials of some two seconds."""
    (folder / "patient.py").write_text(textwrap.dedent(LOOP))
    (folder / "patient.yaml").write_text(textwrap.dedent(SWEEP))
    return "patient.yaml"


def lines_of(folder: Path, kind: str) -> list[Line]:
    return [line for line in read_journal(only_run(folder).journal) if line["kind"] == kind]


def whole(folder: Path, trials: int, epochs: int) -> None:
    record = only_run(folder).record()
    assert [trial.ending for trial in record.trials] == ["completed"] * trials, [t.reason for t in record.trials]
    assert all([row.epoch for row in trial.epochs] == list(range(1, epochs + 1)) for trial in record.trials)


def test_a_node_that_loses_one_worker_after_the_other_is_avoided(tmp_path: Path, nodes: Nodes) -> None:
    """It lives on itself, and Ray would go on placing workers there."""
    bad = next(iter(nodes.alive))
    sweep = patient(tmp_path)
    (tmp_path / "bad").write_text(bad)
    driver = start(tmp_path, "run", sweep, "--set", "retries.times=9", "--trials", 40, "--address", nodes.address)
    try:
        finish(driver, tmp_path, seconds=600)
    finally:
        end(driver)
    whole(tmp_path, 40, 6)
    lines = read_journal(only_run(tmp_path).journal)
    (avoid,) = [line for line in lines if line["kind"] == "avoid"]
    assert avoid["node"] == bad
    begun_before = {(line["trial"], line["attempt"]) for line in lines[: lines.index(avoid)] if line["kind"] == "start"}
    after = [line for line in lines[lines.index(avoid) :] if line["kind"] == "report" and line.get("node") == bad]
    assert {(line["trial"], line["attempt"]) for line in after} <= begun_before
    assert len(lines_of(tmp_path, "lost")) <= 6  # three, and what ran or was starting there at that moment
    for told in ((tmp_path / "err.txt").read_text(), (only_run(tmp_path).logs / "driver.log").read_text()):
        assert f"node {bad} lost" in told


def test_a_node_that_is_taken_away_is_not_held_against_its_trials(tmp_path: Path, nodes: Nodes) -> None:
    """With no retries at all: once told by Ray, once by the label of a node that goes without a word. A cloud ends the
    machine when its notice is over; Ray does not."""
    spot = nodes.add_spot()
    sweep = patient(tmp_path)
    driver = start(tmp_path, "run", sweep, "--set", "retries.times=0", "--trials", 16, "--address", nodes.address)
    try:
        wait_for(driver, tmp_path, lambda lines: spot in running(lines).values())
        nodes.kill(spot)
        drained = wait_for(
            driver, tmp_path, lambda lines: next((n for n in running(lines).values() if n != spot), None)
        )
        nodes.drain(drained)
        nodes.kill(drained)
        finish(driver, tmp_path, seconds=600)
    finally:
        end(driver)
    whole(tmp_path, 16, 6)
    lost = lines_of(tmp_path, "lost")
    assert {line["node"] for line in lost} == {spot, drained}
    assert {line["failure"] for line in lost} == {"preempted"}
    assert not lines_of(tmp_path, "avoid")


def test_a_node_that_was_frozen_and_comes_back_is_not_listened_to(tmp_path: Path, nodes: Nodes) -> None:
    """Its trials have gone on elsewhere by then: what it still reports belongs to an attempt that is over."""
    driver = start(tmp_path, "run", patient(tmp_path), "--trials", 12, "--address", nodes.address)
    try:
        frozen = wait_for(driver, tmp_path, lambda lines: next(iter(running(lines).values()), None))
        processes = nodes.freeze(frozen)
        wait_for(driver, tmp_path, lambda lines: [line for line in lines if line["kind"] == "lost"])
        for process in processes:
            if process.is_running():
                os.kill(process.pid, signal.SIGCONT)
        finish(driver, tmp_path, seconds=600)
    finally:
        end(driver)
    whole(tmp_path, 12, 6)
    lines = read_journal(only_run(tmp_path).journal)
    for index, lost in enumerate(lines):
        if lost["kind"] == "lost":
            assert (lost["node"], lost.get("node_gone")) == (frozen, True)
            late = [line for line in lines[index:] if line["kind"] == "report" and line["trial"] == lost["trial"]]
            assert all(line["attempt"] > lost["attempt"] for line in late)


def test_a_node_that_does_not_see_the_run_is_refused_or_avoided(tmp_path: Path, nodes: Nodes) -> None:
    """At the start the sweep is refused; from a node that comes later trials go back to the others."""
    runs = tmp_path / "runs"
    runs.mkdir()
    try:
        done = subprocess.run(unshared(f'mount -t tmpfs none "{runs}"'), capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        pytest.skip(f"{missing}")
    if done.returncode:
        pytest.skip(f"this machine gives no mounts of one's own: {done.stderr}")
    sweep = patient(tmp_path)
    blind = nodes.add_blind(runs)
    finish(start(tmp_path, "run", sweep, "--address", nodes.address), tmp_path, expected=3)
    said = (tmp_path / "err.txt").read_text()
    assert f"({blind}): has no such folder" in said
    assert not runs.exists(), "nothing is left half begun"

    nodes.kill(blind)
    driver = start(tmp_path, "run", sweep, "--set", "retries.times=9", "--trials", 40, "--address", nodes.address)
    try:
        wait_for(driver, tmp_path, running)
        blind = nodes.add_blind(runs)
        finish(driver, tmp_path, seconds=600)
    finally:
        end(driver)
    nodes.kill(blind)
    whole(tmp_path, 40, 6)
    lost = lines_of(tmp_path, "lost")
    assert lost
    assert {line["node"] for line in lost} == {blind}
    assert all(f"has no folder {only_run(tmp_path).path}" in line["reason"] for line in lost)
    assert blind not in {line.get("node") for line in lines_of(tmp_path, "report")}


def test_a_trial_of_two_workers_on_two_nodes_survives_either(tmp_path: Path, nodes: Nodes) -> None:
    """Each worker takes a whole node; the one that is not the driver's contact dies, and a new node takes its place."""
    two = ("--set", "resources.workers=2", "--set", "resources.cpu=2", "--set", "search.scheduler=none")
    words = ("digits_mlp", "--trials", 4, "--set", "search.max_epochs=6", *two, "--set", "tracking.uri=none")
    driver = start(tmp_path, "run", *words, "--address", nodes.address)
    try:
        first = wait_for(driver, tmp_path, lambda lines: next(iter(running(lines).values()), None))
        (other,) = set(nodes.alive) - {first}
        nodes.kill(other)
        nodes.whole()
        finish(driver, tmp_path, seconds=700)
    finally:
        end(driver)
    record = only_run(tmp_path).record()
    assert {trial.ending for trial in record.trials} <= {"completed", "doomed"}, [t.reason for t in record.trials]
    assert len(record.trials) == 4
    assert all(trial.repeated <= 1 for trial in record.trials)
    lost = lines_of(tmp_path, "lost")
    assert lost
    assert {line.get("node", other) for line in lost} == {other}, "the group may break before Ray names who died"


def test_storage_that_is_gone_in_the_middle_stops_the_sweep_with_one_message(tmp_path: Path) -> None:
    """A file in the place of the checkpoints' folder: nothing can be written below it, whoever asks."""
    words = ("digits_mlp", "--trials", 4, "--set", "search.max_epochs=4", "--set", "tracking.uri=none")
    driver = start(tmp_path, "run", *words, "--set", "retries.times=1", "--address", "none")
    try:
        wait_for(driver, tmp_path, lambda lines: [line for line in lines if line["kind"] == "ending"])
        run = only_run(tmp_path)
        kept = run.path / "aside"
        run.checkpoints.rename(kept)
        run.checkpoints.touch()
        finish(driver, tmp_path, 3)
    finally:
        end(driver)
    said = (tmp_path / "err.txt").read_text()
    assert "checkpoints cannot be written" in said
    assert "Traceback" not in said
    assert {trial.ending for trial in run.record().trials} <= {"completed", "doomed", "interrupted"}
    run.checkpoints.unlink()
    kept.rename(run.checkpoints)
    assert not [path for path in run.checkpoints.rglob("*") if path.name.startswith(".")], "nothing half written"
    finish(start(tmp_path, "run", "--resume", run.name, "--address", "none"), tmp_path)
    record = run.record()
    assert [trial.ending for trial in record.trials if trial.ending not in ("completed", "doomed", "pruned")] == []
    assert sum(trial.repeated for trial in record.trials) <= 2
