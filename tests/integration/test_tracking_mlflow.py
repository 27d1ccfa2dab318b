"""Real MLflow on SQLite: the runs, their status and values, and that going over them again changes nothing."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tracking_kit import JournalBuilder, overfitting

from tuner import tracking
from tuner.errors import InputError, RunError
from tuner.tracking.state import FollowerLock
from tuner.tracking.store import Rejected, RunGone, StoreProblem


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making one takes seconds, copying it none."""
    from tuner.tracking.sqlite_file import make

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make(path)
    return path


@pytest.fixture
def uri(tmp_path: Path, empty_store: Path) -> Iterator[str]:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    yield tracking.default_uri(tmp_path / "runs")


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    journal = JournalBuilder(tmp_path / "runs")
    there = journal.directory
    there.sweep.write_text("name: digits\nfixed: {schedule: cosine}\n")
    there.environment.write_text('{"git": {"commit": "abc123"}, "versions": {"torch": "2.15.0"}}')
    there.summary.write_text('{"run": "x", "mlflow": {"parent_run": null}}')
    there.report.write_text("<html></html>")
    journal.keep_weights("0000", 2)
    return journal


def whole_sweep(journal: JournalBuilder) -> JournalBuilder:
    journal.sweep().driver().suggest(0, lr=0.003, optimizer="sgd", nesterov=True).start(0)
    for epoch, loss in enumerate((0.9, 0.3, math.nan, math.inf, 0.5), 1):
        journal.report(0, epoch, train_loss=1.0 / epoch, val_loss=loss)
    journal.ending(0, "completed", "", diagnosis=overfitting())
    journal.trial(1, 1, "pruned", "2nd of 2").trial(2, 2, "failed", "ValueError: no").trial(3, 1, "interrupted", "^C")
    return journal.end()


def dump(uri: str) -> dict[str, list[Any]]:
    """Every row of every table of runs."""
    tables = ("runs", "metrics", "latest_metrics", "params", "tags", "inputs", "input_tags", "datasets", "experiments")
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def client(uri: str) -> Any:
    from mlflow.tracking.client import MlflowClient

    return MlflowClient(uri)


def children(uri: str, state: tracking.TrackingState) -> dict[str, Any]:
    runs = client(uri).search_runs([state.experiment_id], f"tags.`mlflow.parentRunId` = '{state.parent_run}'")
    assert len({run.info.run_name for run in runs}) == len(runs)
    return {run.info.run_name: run for run in runs}


def test_a_whole_sweep_is_in_mlflow(journal: JournalBuilder, uri: str, tmp_path: Path) -> None:
    state = tracking.track(whole_sweep(journal).directory, uri, "digits")
    assert state.complete and state.parent_run is not None
    mlflow = client(uri)
    parent, runs = mlflow.get_run(state.parent_run), children(uri, state)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == journal.directory.name
    assert {name: run.info.status for name, run in runs.items()} == {
        "0000": "FINISHED",
        "0001": "KILLED",
        "0002": "FAILED",
        "0003": "KILLED",
    }
    best = runs["0000"]
    assert best.data.params == {"lr": "0.003", "optimizer": "sgd", "nesterov": "True"}
    assert (best.data.metrics["best_val_loss"], best.data.metrics["best_epoch"]) == (0.3, 2.0)
    assert best.data.tags["tuner.verdict"] == "overfitting"
    assert best.data.tags["tuner.infinite"] == "val_loss at epoch 4"
    history = sorted(mlflow.get_metric_history(best.info.run_id, "val_loss"), key=lambda point: point.step)
    assert [point.step for point in history] == [1, 2, 3, 4, 5]
    assert [point.value for point in history if not math.isnan(point.value)] == [0.9, 0.3, 0.5]
    reports = [line["at"] for line in journal.lines if line["kind"] == "report" and line["trial"] == "0000"]
    assert [point.timestamp for point in history] == [round(at * 1000) for at in reports]
    (dataset,) = parent.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("digits", "5f" * 16)
    assert parent.data.tags["mlflow.source.git.commit"] == "abc123"
    found = {item.path for item in mlflow.list_artifacts(parent.info.run_id)}
    assert found == {"sweep.yaml", "environment.json", "summary.json", "report.html"}
    assert parent.info.artifact_uri.startswith(f"file://{tmp_path}/mlartifacts/digits/")
    assert state.parent_run in journal.directory.summary.read_text()
    verdict = "tags.`tuner.verdict` = 'overfitting'"
    assert [run.info.run_name for run in mlflow.search_runs([state.experiment_id], verdict)] == ["0000"]


def test_going_over_it_again_changes_nothing(journal: JournalBuilder, uri: str) -> None:
    tracking.track(whole_sweep(journal).directory, uri, "digits")
    before = dump(uri)
    assert len(before["runs"]) == 5 and len(before["metrics"]) > 30
    tracking.track(journal.directory, uri, "digits")
    assert dump(uri) == before
    journal.directory.tracking.unlink()
    tracking.track(journal.directory, uri, "digits")
    assert dump(uri) == before


def test_a_resumed_sweep_goes_on_in_the_same_runs(journal: JournalBuilder, uri: str) -> None:
    whole_sweep(journal)
    first = tracking.track(journal.directory, uri, "digits")
    journal.driver(2).start(3, 2, 1).report(3, 2)
    running = tracking.track(journal.directory, uri, "digits")
    assert children(uri, running)["0003"].info.status == "KILLED"  # its driver is dead: nobody holds the journal
    journal.driver(3).start(3, 3, 2).report(3, 3).ending(3, "completed").end()
    second = tracking.track(journal.directory, uri, "digits")
    assert (second.parent_run, second.children) == (first.parent_run, first.children)
    last = children(uri, second)["0003"]
    assert last.info.status == "FINISHED"
    assert "tuner.reason" not in last.data.tags
    assert [point.step for point in client(uri).get_metric_history(last.info.run_id, "val_loss")] == [1, 2, 3]


def test_a_deleted_experiment_is_said_with_its_cure_and_nothing_is_lost(journal: JournalBuilder, uri: str) -> None:
    journal.sweep().driver().trial(0, 2).trial(1, 2)
    state = tracking.track(journal.directory, uri, "digits")
    client(uri).delete_experiment(state.experiment_id)
    journal.driver(2).trial(2, 2).end()
    with pytest.raises(RunError, match="mlflow experiments restore --experiment-id 1"):
        tracking.track(journal.directory, uri, "digits", patience=0)
    client(uri).restore_experiment(state.experiment_id)
    state = tracking.track(journal.directory, uri, "digits")
    assert {name: run.info.status for name, run in children(uri, state).items()} == dict.fromkeys(
        ("0000", "0001", "0002"), "FINISHED"
    )


def test_a_deleted_child_stays_deleted(journal: JournalBuilder, uri: str) -> None:
    journal.sweep().driver().trial(0, 2).suggest(1).start(1).report(1, 1)
    state = tracking.track(journal.directory, uri, "digits")
    client(uri).delete_run(state.children["0001"])
    journal.report(1, 2).ending(1, "completed").end()
    state = tracking.track(journal.directory, uri, "digits")
    assert state.complete
    assert set(children(uri, state)) == {"0000"}


def test_refusals_are_told_apart_by_looking(uri: str, tmp_path: Path) -> None:
    from tuner.tracking.mlflow_store import MlflowStore

    store = MlflowStore(uri, tmp_path)
    experiment = store.experiment("digits")
    run = store.create(experiment, "0000", 1, {"tuner.run": "r"})
    store.write(run, [], {"lr": "0.1"}, {})
    with pytest.raises(Rejected, match="Changing param values is not allowed"):
        store.write(run, [], {"lr": "0.2"}, {})
    store.write(run, [], {}, {"tuner.reason": "x"}, ["tuner.never"])
    store.write(run, [], {}, {}, ["tuner.reason"])
    store.delete(run)
    for what in (lambda: store.write(run, [], {}, {"a": "b"}), lambda: store.set_status(run, "KILLED", 1)):
        with pytest.raises(RunGone):
            what()
    with pytest.raises(RunGone):
        store.write("0" * 32, [], {}, {"a": "b"})
    client(uri).delete_experiment(experiment)
    for again in (lambda: store.create(experiment, "0001", 1, {}), lambda: store.write(run, [], {}, {"a": "b"})):
        with pytest.raises(StoreProblem, match="was deleted: `mlflow experiments restore"):
            again()


def test_a_store_is_made_whole_and_for_quick_writing(empty_store: Path) -> None:
    from tuner.tracking.sqlite_file import LOCAL_FILE_SYSTEMS, file_system, make

    with closing(sqlite3.connect(empty_store)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert {"experiments", "runs", "metrics", "alembic_version"} <= tables
    assert mode == ("wal" if file_system(empty_store.parent) in LOCAL_FILE_SYSTEMS else "delete")
    assert not [path for path in empty_store.parent.iterdir() if path.name.startswith(".")]
    before = empty_store.stat()
    make(empty_store)
    assert empty_store.stat() == before


def test_tracking_beside_a_live_follower_is_refused(journal: JournalBuilder, uri: str) -> None:
    with FollowerLock(whole_sweep(journal).directory) as lock:
        assert lock.take()
        with pytest.raises(InputError, match="is being tracked"):
            tracking.track(journal.directory, uri, "digits")


def test_no_file_holds_the_password(journal: JournalBuilder, capfd: pytest.CaptureFixture[str]) -> None:
    uri = "http://me:pa55word@127.0.0.1:9/mlflow"  # nobody listens there
    with pytest.raises(RunError) as failure:
        tracking.track(whole_sweep(journal).directory, uri, "digits", patience=0)
    with tracking.start(journal.directory, uri, "digits") as follower:
        assert not follower.wait(0.01)
    said = capfd.readouterr()
    texts = [path.read_text(errors="replace") for path in journal.directory.path.rglob("*") if path.is_file()]
    assert any("http://me:***@127.0.0.1:9/mlflow" in text for text in texts)
    assert not any("pa55word" in text for text in (*texts, str(failure.value), said.out, said.err))


def test_the_machine_is_looked_at_every_ten_seconds_by_mlflows_own_names() -> None:
    from tuner.tracking.system_metrics import SystemMetrics

    at = [1000.0]
    measured = SystemMetrics(lambda: at[0])
    assert measured(980.0) == []
    at[0] = 1010.0
    points = {point.name: point for point in measured(980.0)}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_percentage"} <= points.keys()
    memory = points["system/system_memory_usage_percentage"]
    assert (memory.step, memory.at) == (3, 1_010_000)
    assert 0 < memory.value < 100
    at[0] = 1019.0
    assert measured(980.0) == []
