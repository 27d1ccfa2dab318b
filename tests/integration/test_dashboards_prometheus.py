"""A real Prometheus scrapes a real sweep on a Ray of its own, and every query of every panel returns what happened.

The shipped prometheus.yml is used as it is, but for its intervals, so that the test takes a minute and not many. This
needs no GPU: torch's answer is planted in the worker, Ray's comes from a node that is a page. `pytest -s` shows what
was returned.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from dashboard_kit import Query, queries
from drill_kit import end, finish, only_run, start
from mlflow_server import HOST
from prometheus_kit import Prometheus, Sample, node_with_gpu, prometheus, until

from tuner.launch.scraping import FOLDER
from tuner.records.journal import read_journal
from tuner.records.run_directory import RunDirectory

LOOP = '''
"""0000 loses its worker once, 0001 raises, 0002 diverges, of the others every second one overfits. From 0008 on they
wait until somebody has seen the queue, the finalists before their last epoch until all has been seen."""

import os
import time
from pathlib import Path

import tuner.launch.worker_metrics as worker_metrics

worker_metrics.gpu_bytes = lambda: 3 << 20  # as torch would say where it had a GPU

def wait_for(name):
    while not Path(name).exists():
        time.sleep(0.1)

def loop(trial):
    path = trial.restore()
    final = "-" in trial.name
    if not final and int(trial.name) >= 8:
        wait_for("seen_queue")
    for epoch in range(1 if path is None else int(path.read_text()) + 1, trial.max_epochs + 1):
        if trial.name == "0000" and epoch == 1 and not Path("was_lost").exists():
            Path("was_lost").touch()
            os._exit(1)
        if trial.name == "0001":
            raise ValueError("no such layer")
        time.sleep(0.2)
        if final and epoch == trial.max_epochs:
            wait_for("seen_all")
        loss = float("nan") if trial.name == "0002" else 1 / epoch + trial.config["x"]
        (trial.scratch / "state").write_text(str(epoch))
        trial.checkpoint(trial.scratch / "state")
        trial.report(epoch, train_loss=loss / 2, val_loss=loss + (0.1 * epoch if int(trial.name[:4]) % 2 else 0))
'''
SWEEP = """
name: watched
loop: looping:loop
space: {x: {float: [0, 1]}}
search: {scheduler: asha_promotion, trials: 12, max_epochs: 9, finalists: {top: 1, seeds: 2}}
"""
WATCHED_SECONDS = 240.0
"""Of a machine that is busy otherwise."""
NEEDS = {
    "Trials by ending": {"completed", "pruned", "failed", "doomed"},
    "Trials by verdict": {"unknown", "diverged"},
}
"""Labels of panels with a series each for several things, all of which have happened."""

pytestmark = pytest.mark.slow


class Answers:
    """What each query returned that says something."""

    def __init__(self, asked: Prometheus) -> None:
        self._asked = asked
        self.found: dict[Query, list[Sample]] = {query: [] for query in queries("30s")}

    def whole(self, *panels: str) -> bool:
        """Whether all queries have answered; those of `panels` alone, if there are any."""
        for query in self.found:
            self.found[query] = self._asked.told(query.text)
        return not [query for query in self.missing if not panels or query.panel in panels]

    @property
    def missing(self) -> list[Query]:
        return [
            query for query, found in self.found.items() if not found or NEEDS.get(query.panel, set()) - said(found)
        ]

    def show(self) -> None:
        for query, found in self.found.items():
            print(f"{query.panel}: {query.text}")
            for value, labels in found:
                print(f"  {value:g} {labels}")


def said(samples: list[Sample]) -> set[str]:
    return {name for _, labels in samples for name in labels.values()}


def published(asked: Prometheus, name: str, label: str) -> dict[str, float]:
    return {labels[label]: value for value, labels in asked.now(name) if value}


def happened(run: RunDirectory) -> dict[str, Counter[str]]:
    """From the journal, by kind of line: how many of each."""
    lines = read_journal(run.journal)
    endings = [line for line in lines if line["kind"] == "ending"]
    return {
        "endings": Counter(line["ending"] for line in endings),
        "verdicts": Counter(line["diagnosis"]["verdict"] for line in endings),
        "kinds": Counter(line["kind"] for line in lines),
    }


def agree(asked: Prometheus, run: RunDirectory) -> bool:
    """Whether Prometheus has what the journal has. Nothing happens in the sweep meanwhile."""
    true = happened(run)
    return (
        published(asked, "ray_tuner_trials_by_ending", "ending") == true["endings"]
        and published(asked, "ray_tuner_trials_by_verdict", "verdict") == true["verdicts"]
        and published(asked, "ray_tuner_epochs_total", "run") == {run.name: true["kinds"]["report"]}
        and published(asked, "ray_tuner_lost_workers", "run") == {run.name: 1}
    )


def test_every_query_of_every_panel_returns_what_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_metrics_report_interval_ms", "3000")  # a gauge lives twice as long
    (tmp_path / "looping.py").write_text(LOOP)
    (tmp_path / "watched.yaml").write_text(SWEEP)
    lists = tmp_path / "runs" / FOLDER
    sweep = start(tmp_path, "run", "watched.yaml", "--runs", "runs", "--cpus", 2)
    try:
        with prometheus(tmp_path) as asked, node_with_gpu(lists / "gpu.json", utilisation=87, used=2):
            answers = Answers(asked)
            try:
                until(lambda: answers.whole("Queue"), WATCHED_SECONDS, lambda: answers.missing)
                (tmp_path / "seen_queue").touch()
                until(answers.whole, WATCHED_SECONDS, lambda: answers.missing)
                run = only_run(tmp_path)
                until(lambda: agree(asked, run), WATCHED_SECONDS, lambda: happened(run))
                assert answers.whole()
            finally:
                answers.show()
            (target,) = json.loads((lists / f"{run.name}.json").read_text())[0]["targets"]
            wrong = [query.text.replace("ray_", "ray_no_") for query in answers.found]
            assert [text for text in wrong if asked.told(text)] == [], "these say something of what is not there"
            assert asked.label_values("sweep", "ray_tuner_trials_planned") == ["watched"]
            assert asked.label_values("run", 'ray_tuner_trials_planned{sweep=~"watched"}') == [run.name]
            (best,) = asked.now("ray_tuner_best_metric")
        (tmp_path / "seen_all").touch()
        finish(sweep, tmp_path)
    finally:
        end(sweep)
    assert target.startswith(f"{HOST}:"), "our own Ray is reached from this machine alone"
    assert not lists.exists()
    assert "no further metrics" not in (run.logs / "driver.log").read_text()
    own = [labels for query, found in answers.found.items() if "ray_tuner" in query.text for _, labels in found]
    assert {(labels["sweep"], labels["run"]) for labels in own} == {("watched", run.name)}
    trials = [line for line in read_journal(run.journal) if line["kind"] == "report" and "-" not in line["trial"]]
    assert best[1]["metric"] == "val_loss"
    assert best[0] == min(float(line["metrics"]["val_loss"]) for line in trials if line["trial"] != "0002")
