"""A whole sweep whose MLflow server is stopped in the middle and started again: unharmed, and its records complete."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from drill_kit import MLFLOW_STATUS, end, finish, only_run, start
from mlflow_server import HOST, free_port, server, until_it_answers

from tuner.records.journal import read_journal


@pytest.mark.slow
def test_a_server_that_is_away_for_a_while_misses_nothing(tmp_path: Path) -> None:
    from mlflow.tracking.client import MlflowClient

    port = free_port()
    uri = f"http://{HOST}:{port}"
    words = ("digits_mlp", "--trials", 14, "--set", "search.max_epochs=27", "--set", f"tracking.uri={uri}")
    with server(port, tmp_path):
        until_it_answers(port)
        process = start(tmp_path, "run", *words, "--address", "none", "--json")
        _until_reports(tmp_path, process, 10)
    reported = len(read_journal(only_run(tmp_path).journal))
    _until_reports(tmp_path, process, reported + 20)  # it goes on while the server is away
    with server(port, tmp_path):
        until_it_answers(port)
        try:
            summary = json.loads(finish(process, tmp_path))
        finally:
            end(process)
        run = only_run(tmp_path)
        if not json.loads(run.tracking.read_text())["complete"]:
            finish(start(tmp_path, "track", run.path), tmp_path)
        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name("digits-mlp")
        runs = client.search_runs([experiment.experiment_id])
        children = {item.info.run_name: item for item in runs if "mlflow.parentRunId" in item.data.tags}
        assert len(children) == len(runs) - 1 == summary["trials"]["total"] == 14
        for trial in run.record().trials:
            child = children[trial.trial]
            assert child.info.status == MLFLOW_STATUS[trial.ending]
            history = client.get_metric_history(child.info.run_id, "val_loss")
            assert sorted(item.step for item in history) == [epoch.epoch for epoch in trial.epochs]


def _until_reports(folder: Path, process, lines: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        journals = list((folder / "runs").glob("*/journal.jsonl"))
        if journals and len(read_journal(journals[0])) >= lines:
            return
        if process.poll() is not None:
            return  # a quick machine: it ended before the server was gone, which is as good
        time.sleep(0.02)
    raise AssertionError(f"no {lines} lines in {seconds} s")
