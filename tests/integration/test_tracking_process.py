"""The follower as a process: it follows, ends with its driver, and survives its server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow_server import HOST, free_port, server
from tracking_kit import JournalBuilder

from tuner import tracking

DRIVER = """
import sys
from pathlib import Path
from tuner import tracking
from tuner.records.run_directory import RunDirectory
follower = tracking.start(RunDirectory(Path(sys.argv[1])), sys.argv[2], "digits")
print(follower.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    return JournalBuilder(tmp_path / "runs")


def client(uri: str) -> Any:
    from mlflow.tracking.client import MlflowClient

    return MlflowClient(uri)


def statuses(uri: str, state: tracking.TrackingState | None) -> dict[str, str]:
    """By name of the run. Raises where a name is there twice."""
    assert state is not None
    runs = client(uri).search_runs([state.experiment_id])
    assert len({run.info.run_name for run in runs}) == len(runs)
    return {run.info.run_name: run.info.status for run in runs}


def log_of(journal: JournalBuilder) -> str:
    return (journal.directory.logs / "tracking.log").read_text()


@pytest.mark.slow
def test_it_follows_a_sweep_to_its_end(journal: JournalBuilder, tmp_path: Path) -> None:
    uri = tracking.default_uri(tmp_path / "runs")
    journal.sweep().driver()
    with tracking.start(journal.directory, uri, "digits") as follower:
        journal.trial(0, 3).trial(1, 1, "pruned", "2nd of 2")
        assert os.getpgid(follower.pid) != os.getpgid(0)  # ^C at the terminal does not reach it
        until(follower, 120, lambda state: "0001" in state.children)
        process = psutil.Process(follower.pid)
        assert process.nice() >= 10
        process.suspend()  # the last place on a busy machine: the signal reaches it after all that follows
        process.terminate()  # as the driver gets it from who stops a job
        journal.end()
        assert not follower.wait(0)
        process.resume()
        assert follower.wait(120), log_of(journal)
        state = follower.state()
    assert state is not None and state.complete
    expected = {journal.directory.name: "FINISHED", "0000": "FINISHED", "0001": "KILLED"}
    assert statuses(uri, state) == expected


@pytest.mark.slow
def test_it_ends_with_a_driver_that_is_killed(journal: JournalBuilder, tmp_path: Path) -> None:
    uri = tracking.default_uri(tmp_path / "runs")
    journal.sweep().driver().trial(0, 2).suggest(1).start(1).report(1, 1)
    command = [sys.executable, "-c", DRIVER, str(journal.directory.path), uri]
    driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert driver.stdin is not None and driver.stdout is not None
    with driver.stdin, driver.stdout:
        follower = psutil.Process(int(driver.stdout.readline()))
        driver.kill()
        driver.wait(timeout=10)
    gone, _ = psutil.wait_procs([follower], timeout=120)
    assert gone, log_of(journal)
    expected = {journal.directory.name: "KILLED", "0000": "FINISHED", "0001": "KILLED"}
    assert statuses(uri, tracking.read_state(journal.directory)) == expected


def test_closing_it_at_once_leaves_no_process(journal: JournalBuilder, tmp_path: Path) -> None:
    journal.sweep().driver()
    with tracking.start(journal.directory, tracking.default_uri(tmp_path / "runs"), "digits") as follower:
        process = psutil.Process(follower.pid)
    assert not follower.alive
    assert not process.is_running()


def until(follower: tracking.TrackingProcess, seconds: float, what: Any) -> None:
    """Waits for the follower's state file to say so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = follower.state()
        if state is not None and what(state):
            return
        assert follower.alive
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {follower.state()}")


@pytest.mark.slow
def test_a_server_stopped_in_the_middle_and_started_again(journal: JournalBuilder, tmp_path: Path) -> None:
    """Down at first, up, down in the middle of the sweep, up again: every record is there, once."""
    port = free_port()
    uri = f"http://{HOST}:{port}"
    (journal.directory.path / "summary.json").write_text("{}")
    journal.sweep().driver().trial(0, 3)
    with tracking.start(journal.directory, uri, "digits") as follower:
        until(follower, 120, lambda state: "Connection" in state.problem or "Max retries" in state.problem)
        with server(port, tmp_path):
            until(follower, 120, lambda state: "0000" in state.children and not state.problem)
            journal.suggest(1).start(1).report(1, 1)
            until(follower, 60, lambda state: "0001" in state.children)
        journal.report(1, 2).report(1, 3).ending(1, "completed").trial(2, 3, "doomed", "NaN")
        until(follower, 60, lambda state: bool(state.problem))
        journal.end()
        with server(port, tmp_path):
            assert follower.wait(180), log_of(journal)
            state = follower.state()
            expected = {journal.directory.name: "FINISHED", "0000": "FINISHED", "0001": "FINISHED", "0002": "KILLED"}
            assert statuses(uri, state) == expected
            assert state is not None and state.complete and state.problem == ""
            for trial in ("0000", "0001", "0002"):
                history = client(uri).get_metric_history(state.children[trial], "val_loss")
                assert sorted(point.step for point in history) == [1, 2, 3]
            assert [item.path for item in client(uri).list_artifacts(state.parent_run)] == ["summary.json"]


@pytest.mark.slow
def test_what_was_missing_is_caught_up_later(journal: JournalBuilder, tmp_path: Path) -> None:
    """The server stayed down to the sweep's end; `track` brings it all, when it is back."""
    port = free_port()
    uri = f"http://{HOST}:{port}"
    journal.sweep().driver().trial(0, 3).end()
    with tracking.start(journal.directory, uri, "digits") as follower:
        assert not follower.wait(1)
    with server(port, tmp_path):
        state = tracking.track(journal.directory, uri, "digits", patience=120)
        assert statuses(uri, state) == {journal.directory.name: "FINISHED", "0000": "FINISHED"}
