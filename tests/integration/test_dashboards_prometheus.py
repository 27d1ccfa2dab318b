"""A real Prometheus scrapes a real sweep on a Ray of its own, and every query of every panel returns a value.

The shipped prometheus.yml is used as it is, but for its intervals, so that the test takes a minute and not many.
Where the machine has no GPU the queries about GPUs have to be understood, and to return nothing.
`pytest -s` shows what was returned.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from dashboard_kit import DASHBOARDS, Query, queries
from drill_kit import end, only_run, start
from mlflow_server import HOST, free_port

from tuner.launch.scraping import FOLDER
from tuner.records.journal import read_journal

LOOP = '''
"""An epoch takes 0.1 s, so that the sweep lasts as long as it is looked at. Trial 0000 loses its worker once."""

import os
import time

def loop(trial):
    path = trial.restore()
    for epoch in range(1 if path is None else 3, trial.max_epochs + 1):
        time.sleep(0.1)
        if trial.name == "0000" and epoch == 3 and path is None:
            os._exit(1)
        (trial.scratch / "state").write_text("2")
        trial.checkpoint(trial.scratch / "state")
        trial.report(epoch, train_loss=1 / epoch, val_loss=1 / epoch + trial.config["x"])
'''
SWEEP = """
name: watched
loop: looping:loop
space: {x: {float: [0, 1]}}
search: {scheduler: none, trials: 10000, max_epochs: 12}
"""
WATCHED_SECONDS = 240.0

pytestmark = pytest.mark.slow


@contextmanager
def prometheus(folder: Path) -> Iterator[int]:
    """A Prometheus on 127.0.0.1 with the shipped configuration, beside `folder/runs`; its port."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus on this machine: it is Debian's package of that name")
    place = folder / "monitoring"
    place.mkdir()
    shipped = (DASHBOARDS / "prometheus.yml").read_text(encoding="utf-8")
    faster, changed = re.subn(r"interval: \d+s", "interval: 4s", shipped)  # also the time that a scrape may take
    assert changed == 2
    (place / "prometheus.yml").write_text(faster)
    port = free_port()
    words = ["--config.file", place / "prometheus.yml", "--storage.tsdb.path", place / "data"]
    words += ["--web.listen-address", f"{HOST}:{port}"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: asked(port, "vector(1)"), 60, f"Prometheus answers: {(place / 'log').read_text()[-2000:]}")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def asked(port: int, text: str) -> list[Any]:
    """The series that a query returns now; nothing while nobody answers. Fails where it is not understood."""
    address = f"http://{HOST}:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:  # it is still starting
            return []
        raise AssertionError(f"{text}: {error.read().decode()}") from None
    except OSError:
        return []
    return [item for item in found["data"]["result"] if item["value"][1] != "NaN"]


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)


class Answers:
    """What each query returned when it first returned anything."""

    def __init__(self, port: int, sweep: subprocess.Popen[bytes]) -> None:
        self.port, self.sweep = port, sweep
        self.found: dict[Query, list[Any]] = {query: [] for query in queries("30s")}

    def look(self) -> bool:
        """Whether all have answered, and a lost worker has been seen."""
        assert self.sweep.poll() is None, "the sweep ended while it was looked at"
        for query, found in self.found.items():
            if not found:
                self.found[query] = asked(self.port, query.text)
        return not self.missing and bool(asked(self.port, "ray_tuner_lost_workers == 1"))

    @property
    def missing(self) -> list[Query]:
        return [query for query, found in self.found.items() if not found and (HAS_GPU or not query.needs_gpu)]

    def show(self) -> None:
        for query, series in self.found.items():
            print(f"{query.panel}: {query.text}")
            for item in series:
                print(f"  {item['value'][1]} {item['metric']}")
            if not series:
                print("  nothing: this machine has no GPU")


HAS_GPU = Path("/proc/driver/nvidia/version").exists()


def test_every_query_of_every_panel_returns_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_metrics_report_interval_ms", "5000")  # a gauge lives twice as long
    (tmp_path / "looping.py").write_text(LOOP)
    (tmp_path / "watched.yaml").write_text(SWEEP)
    with prometheus(tmp_path) as port:
        sweep = start(tmp_path, "run", "watched.yaml", "--runs", "runs", "--cpus", 2)
        answers = Answers(port, sweep)
        try:
            until(answers.look, WATCHED_SECONDS, "see the queries above")
            run = only_run(tmp_path)
            list_of_targets = tmp_path / "runs" / FOLDER / f"{run.name}.json"
            (target,) = json.loads(list_of_targets.read_text())[0]["targets"]
            os.kill(sweep.pid, signal.SIGINT)
            sweep.wait(timeout=200)
        finally:
            answers.show()
            end(sweep)
        (best,) = asked(port, "last_over_time(ray_tuner_best_metric[10m])")
    assert target.startswith(f"{HOST}:"), "our own Ray is reached from this machine alone"
    assert not list_of_targets.parent.exists()
    assert answers.missing == []
    own = [item["metric"] for query, found in answers.found.items() if "ray_tuner" in query.text for item in found]
    assert {(labels["sweep"], labels["run"]) for labels in own} == {("watched", run.name)}
    losses = [line["metrics"]["val_loss"] for line in read_journal(run.journal) if line["kind"] == "report"]
    assert best["metric"]["metric"] == "val_loss"
    assert min(losses) <= float(best["value"][1]) <= max(losses)
    assert "no further metrics" not in (run.logs / "driver.log").read_text()
