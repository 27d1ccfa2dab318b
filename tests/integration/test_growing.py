"""A sweep on a cluster that has an autoscaler and no node yet: it waits, grows, and leaves nothing behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_kit import wait_for
from drill_kit import end, finish, only_run, start
from growing_kit import Growing

from tuner.records.journal import read_journal
from tuner.records.trial import COMPLETED

pytestmark = pytest.mark.slow

MEETING = '''
"""Each trial waits until trials have been on two nodes: a cluster that did not grow would never end it."""

import time
from pathlib import Path

import ray


def loop(trial):
    folder = Path(trial.config["folder"])
    (folder / ray.get_runtime_context().get_node_id()).touch()
    until = time.monotonic() + 300
    while len(list(folder.iterdir())) < 2:
        if time.monotonic() > until:
            raise RuntimeError("no second node came")
        time.sleep(0.1)
    for epoch in range(1, trial.max_epochs + 1):
        trial.report(epoch, val_loss=trial.config["x"] / epoch)
'''
SWEEP = """
name: meeting
loop: meeting:loop
space: {x: {float: [0.1, 1]}}
fixed: {folder: FOLDER}
search: {trials: 6, max_epochs: 2, scheduler: none, doomed: false}
"""


@pytest.fixture(scope="module", params=[True, False], ids=["second_autoscaler", "first_autoscaler"])
def growing(request: pytest.FixtureRequest) -> Iterator[Growing]:
    cluster = Growing(second=request.param)
    yield cluster
    cluster.close()


def written(folder: Path) -> tuple[object, ...]:
    met = folder / "met"
    met.mkdir()
    (folder / "meeting.py").write_text(MEETING)
    (folder / "meeting.yaml").write_text(SWEEP.replace("FOLDER", str(met)))
    return ("run", "meeting.yaml", "--set", "tracking.uri=none", "--address")


def test_a_sweep_begins_with_no_node_grows_to_two_and_leaves_none(tmp_path: Path, growing: Growing) -> None:
    growing.wait_until(1)
    driver = start(tmp_path, *written(tmp_path), growing.address)
    try:
        waiting = wait_for(driver, tmp_path, lambda lines: [line for line in lines if line["kind"] == "waiting"])
        assert "waiting for a node that can hold a trial: 1 CPU" in waiting[0]["says"]
        finish(driver, tmp_path, seconds=400)
    finally:
        end(driver)
    run = only_run(tmp_path)
    assert [trial.ending for trial in run.record().trials] == [COMPLETED] * 6
    assert len(list((tmp_path / "met").iterdir())) == 2  # nodes by their whole names: here they begin alike
    for told in (run.logs / "driver.log", tmp_path / "err.txt"):
        assert "waiting for a node that can hold a trial: 1 CPU" in told.read_text()
    growing.wait_until(1)


def test_what_no_node_type_could_hold_is_refused_at_once(tmp_path: Path, growing: Growing) -> None:
    finish(start(tmp_path, *written(tmp_path), growing.address, "--set", "resources.cpu=3"), tmp_path, expected=2)
    said = (tmp_path / "err.txt").read_text()
    assert "the largest of 1 node types that this cluster may start has 1 CPU" in said
    assert not (tmp_path / "runs").exists()


def test_a_stop_while_it_waits_is_a_clean_one(tmp_path: Path, growing: Growing) -> None:
    growing.wait_until(1)
    driver = start(tmp_path, *written(tmp_path), growing.address)
    try:
        wait_for(driver, tmp_path, lambda lines: any(line["kind"] == "waiting" for line in lines))
        driver.send_signal(signal.SIGTERM)
        finish(driver, tmp_path, expected=130)
    finally:
        end(driver)
    lines = read_journal(only_run(tmp_path).journal)
    assert (lines[-1]["kind"], lines[-1]["status"], lines[-1]["reason"]) == ("end", "stopped", "stopped by SIGTERM")
    growing.wait_until(1)
