"""A real Prometheus on 127.0.0.1 with the shipped configuration, what it is asked, and a node with a GPU to scrape."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from dashboard_kit import DASHBOARDS
from mlflow_server import HOST, free_port

SCRAPED_SECONDS = 3
STARTS_WITHIN = 60.0
Sample = tuple[float, dict[str, str]]
"""(value, labels)."""


@dataclass
class Prometheus:
    """One that runs."""

    port: int
    since: float
    """When it was started, seconds since 1970."""

    def now(self, text: str) -> list[Sample]:
        """The series that a query returns now."""
        found = self._asked("query", {"query": text})
        return [(float(item["value"][1]), item["metric"]) for item in found["result"]] if found else []

    def told(self, text: str) -> list[Sample]:
        """The series of a query over all the time so far, as a panel asks for them; each with its last value that says
        something: neither 0 nor NaN nor infinite. A series that never had one is left out."""
        span = {"start": f"{self.since:.3f}", "end": f"{time.time():.3f}", "step": "1"}
        found = self._asked("query_range", {"query": text} | span)
        out = []
        for item in found["result"] if found else []:
            values = [float(value) for _, value in item["values"]]
            some = [value for value in values if math.isfinite(value) and value != 0]
            if some:
                out.append((some[-1], item["metric"]))
        return out

    def label_values(self, label: str, series: str) -> list[str]:
        """What Grafana offers for a variable `label_values(series, label)`."""
        return list(self._asked(f"label/{label}/values", {"match[]": series}) or [])

    def _asked(self, what: str, words: Mapping[str, str]) -> Any:
        """Its answer; None while nobody answers. Fails where it does not understand."""
        address = f"http://{HOST}:{self.port}/api/v1/{what}?" + urllib.parse.urlencode(words)
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:  # it is still starting
                return None
            raise AssertionError(f"{words}: {error.read().decode()}") from None
        except OSError:
            return None


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """It scrapes what is listed beside `folder/runs`, with the shipped file; only its intervals are shorter."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus on this machine: it is Debian's package of that name")
    place = folder / "monitoring"
    place.mkdir()
    shipped = (DASHBOARDS / "prometheus.yml").read_text(encoding="utf-8")
    faster, changed = re.subn(r"interval: \d+s", f"interval: {SCRAPED_SECONDS}s", shipped)  # a scrape may take as long
    assert changed == 2
    (place / "prometheus.yml").write_text(faster)
    found = Prometheus(free_port(), time.time())
    words = ["--config.file", place / "prometheus.yml", "--storage.tsdb.path", place / "data"]
    words += ["--web.listen-address", f"{HOST}:{found.port}"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: found.now("vector(1)"), STARTS_WITHIN, lambda: (place / "log").read_text()[-2000:])
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def until(true: Callable[[], object], seconds: float, missing: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {missing()}"
        time.sleep(0.5)


@contextmanager
def node_with_gpu(listed: Path, *, utilisation: float, used: float) -> Iterator[None]:
    """While the block lasts, the file `listed` names a node of which Ray says how busy its GPU is (per cent), and how
    much memory it uses (MiB): names and labels are Ray's own, only the numbers are made up."""
    from ray.dashboard.consts import GPU_TAG_KEYS
    from ray.dashboard.modules.reporter.reporter_agent import METRICS_GAUGES

    labels = dict.fromkeys(GPU_TAG_KEYS, "") | {"ip": "10.0.0.7", "GpuIndex": "0"}
    written = ",".join(f'{name}="{value}"' for name, value in labels.items())
    values = {"node_gpus_utilization": utilisation, "node_gram_used": used}
    assert values.keys() <= METRICS_GAUGES.keys()
    page = "".join(f"# TYPE ray_{name} gauge\nray_{name}{{{written}}} {value}\n" for name, value in values.items())

    class Node(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *words: object) -> None:
            """A scrape is not worth a line."""

    with ThreadingHTTPServer((HOST, 0), Node) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        listed.parent.mkdir(parents=True)
        listed.write_text(json.dumps([{"labels": {"job": "ray"}, "targets": [f"{HOST}:{server.server_port}"]}]))
        try:
            yield
        finally:
            listed.unlink()
            server.shutdown()
            thread.join()
