"""A real Prometheus scrapes a real sweep on a Ray of its own, and every query of every panel returns a value.

The shipped prometheus.yml is used as it is, but for its scrape interval of 15 s, so that the test takes a minute and not
many. Where the machine has no GPU the queries about GPUs have to be understood, and to return nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dashboard_kit import DASHBOARDS, Query, queries
from drill_kit import end, only_run, start
from mlflow_server import HOST, free_port

from tuner.launch.scraping import FOLDER
from tuner.records.journal import read_journal

LOOP = '''
"""Falls, a bit better with each x; an epoch takes 0.1 s, so that a sweep lasts as long as it is looked at. Trial 1 loses its worker once."""

import os
import time

def loop(trial):
    first = 1 if trial.restore() is None else 3
    for epoch in range(first, trial.max_epochs + 1):
        time.sleep(0.1)
        if trial.name == "0001" and epoch == 3 and first == 1:
            os._exit(1)
        (trial.scratch / "state").write_text(str(epoch))
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
    faster = shipped.replace("scrape_interval: 15s", "scrape_interval: 1s").replace("interval: 30s", "interval: 1s")
    assert faster.count("interval: 1s") == 2
    (place / "prometheus.yml").write_text(faster)
    port = free_port()
    words = ["--config.file", place / "prometheus.yml", "--storage.tsdb.path", place / "data"]
    words += ["--web.listen-address", f"{HOST}:{port}"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: asked(port, "vector(1)"), 60, f"Prometheus answers: {place / 'log'}")
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
        raise AssertionError(f"{text}: {error.read().decode()}") from None
    except OSError:
        return []
    assert found["status"] == "success", found
    return list(found["data"]["result"])


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)


def test_every_query_of_every_panel_returns_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_metrics_report_interval_ms", "3000")
    (tmp_path / "looping.py").write_text(LOOP)
    (tmp_path / "watched.yaml").write_text(SWEEP)
    found: dict[Query, list[Any]] = {}

    def all_answered(port: int, sweep: subprocess.Popen[bytes]) -> bool:
        assert sweep.poll() is None, f"the sweep ended:\n{(tmp_path / 'err.txt').read_text()[-4000:]}"
        for query in asking:
            if not found.get(query):
                found[query] = asked(port, query.text)
        return not missing()

    def missing() -> list[Query]:
        return [query for query in asking if not found.get(query) and not (query.needs_gpu and not has_gpu())]

    asking = queries("30s")
    with prometheus(tmp_path) as port:
        sweep = start(tmp_path, "run", "watched.yaml", "--runs", "runs", "--cpus", 2)
        try:
            with pytest.MonkeyPatch.context():
                until(lambda: all_answered(port, sweep), WATCHED_SECONDS, f"{missing()}")
            targets = tmp_path / "runs" / FOLDER
            (file,) = targets.iterdir()
            (target,) = json.loads(file.read_text())[0]["targets"]
            assert target.startswith(HOST), "our own Ray serves 127.0.0.1 alone"
            journal = read_journal(only_run(tmp_path).journal)
            os.kill(sweep.pid, signal.SIGINT)
            sweep.wait(timeout=120)
        finally:
            end(sweep)
        assert not targets.exists()
        (best,) = asked(port, "last_over_time(ray_tuner_best_metric[5m])")
    for query, series in found.items():
        print(f"{query.panel}: {query.text}")
        for item in series:
            labels = " ".join(f"{name}={text}" for name, text in item["metric"].items())
            print(f"  {item['value'][1]}  {labels}")
            if "ray_tuner" in query.text:
                assert item["metric"]["sweep"] == "watched"
                assert item["metric"]["run"] == only_run(tmp_path).name
    lost = [series for query, series in found.items() if query.panel == "Lost workers"]
    assert [item["value"][1] for item in lost[0]] == ["1"] or not any(line["kind"] == "lost" for line in journal)
    assert best["metric"]["metric"] == "val_loss"
    losses = [line["metrics"]["val_loss"] for line in read_journal(only_run(tmp_path).journal) if "metrics" in line]
    assert min(losses) <= float(best["value"][1]) <= max(losses)


def has_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists()
