"""The way to Ray's metrics: what it is handed, where Prometheus is told to look, and a worker's memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray.util.metrics

from tuner.launch.metrics import (
    BEST_METRIC,
    EPOCH_DURATION,
    EPOCH_SECONDS,
    EPOCHS,
    METRICS,
    WORKER_GPU_MEMORY,
    WORKER_MEMORY,
    Metric,
    RayMeters,
    targets,
)
from tuner.launch.scraping import announced
from tuner.launch.worker_metrics import MemoryMeter, resident_bytes


class Recorded:
    """Ray's Gauge, Counter and Histogram, which write down what they are told."""

    calls: list[tuple[Any, ...]]

    def __init__(self, name: str, description: str, tag_keys: tuple[str, ...], boundaries: Any = None) -> None:
        self.calls.append(("made", name, tag_keys, boundaries))
        self.name = name

    def _told(self, value: float, tags: dict[str, str]) -> None:
        self.calls.append((self.name, value, tags))

    set = inc = observe = _told


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Recorded.calls = []
    for name in ("Gauge", "Counter", "Histogram"):
        monkeypatch.setattr(ray.util.metrics, name, Recorded)
    return Recorded.calls


def test_names_are_what_prometheus_and_ray_allow() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS) >= 12
    for metric in METRICS:
        assert metric.name.startswith("tuner_")
        assert metric.name.replace("_", "").isalnum()
        assert "trial" not in metric.labels, "a label for each trial is a series for each trial"
    assert EPOCHS.exported == "ray_tuner_epochs_total"
    assert list(EPOCH_SECONDS) == sorted(set(EPOCH_SECONDS))


def test_each_is_made_once_with_its_labels(told: list[tuple[Any, ...]]) -> None:
    meters = RayMeters("digits", "digits-1")
    meters.record(BEST_METRIC, 0.5, metric="val_loss")
    meters.record(BEST_METRIC, 0.4, metric="val_loss")
    meters.record(EPOCHS, 2)
    meters.record(EPOCH_DURATION, 1.5)
    run = {"sweep": "digits", "run": "digits-1"}
    assert told == [
        ("made", "tuner_best_metric", ("sweep", "run", "metric"), None),
        ("tuner_best_metric", 0.5, {**run, "metric": "val_loss"}),
        ("tuner_best_metric", 0.4, {**run, "metric": "val_loss"}),
        ("made", "tuner_epochs", ("sweep", "run"), None),
        ("tuner_epochs", 2.0, run),
        ("made", "tuner_epoch_seconds", ("sweep", "run"), list(EPOCH_SECONDS)),
        ("tuner_epoch_seconds", 1.5, run),
    ]


def test_targets_are_the_living_nodes_that_serve_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [
        {"Alive": True, "NodeManagerAddress": "10.0.0.1", "MetricsExportPort": 8080},
        {"Alive": False, "NodeManagerAddress": "10.0.0.2", "MetricsExportPort": 8080},
        {"Alive": True, "NodeManagerAddress": "10.0.0.3", "MetricsExportPort": -1},  # collection is switched off
    ]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    assert targets() == ["10.0.0.1:8080"]


def test_a_sweeps_own_ray_is_announced_while_it_runs(tmp_path: Path) -> None:
    said: list[str] = []
    other = tmp_path / "runs" / ".prometheus" / "two.json"
    with announced(["127.0.0.1:1"], tmp_path / "runs", "one", said.append):
        with announced(["127.0.0.1:2"], tmp_path / "runs", "two", said.append):
            (group,) = json.loads(other.read_text())
            assert group == {"labels": {"job": "ray"}, "targets": ["127.0.0.1:2"]}
        assert not other.exists()
        assert other.with_name("one.json").exists()
    assert list((tmp_path / "runs").iterdir()) == []
    assert said == []


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".prometheus").write_text("a file")
    said: list[str] = []
    with announced(["127.0.0.1:1"], tmp_path, "one", said.append):
        pass
    (line,) = said
    assert line.startswith("Prometheus is not told of this sweep: ")


class Sink:
    def __init__(self) -> None:
        self.values: list[tuple[Metric, float, dict[str, str]]] = []

    def record(self, metric: Metric, value: float, /, **labels: str) -> None:
        self.values.append((metric, value, labels))


def test_a_worker_publishes_its_memory_and_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Sink()
    cuda = SimpleNamespace(is_initialized=lambda: True, memory_reserved=lambda: 2**20)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    MemoryMeter(sink, "node1234").publish()
    (memory, gpu) = sink.values
    assert memory[0] is WORKER_MEMORY
    assert 10 * 2**20 < memory[1] < 2**40
    assert gpu == (WORKER_GPU_MEMORY, 2**20, {"node": "node1234"})


def test_no_gpu_is_published_where_none_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Sink()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: False)))
    MemoryMeter(sink, "node1234").publish()
    monkeypatch.delitem(sys.modules, "torch")
    MemoryMeter(sink, "node1234").publish()
    assert [metric for metric, *_ in sink.values] == [WORKER_MEMORY, WORKER_MEMORY]
    assert resident_bytes() is not None


def test_its_thread_publishes_at_once_and_ends_when_ray_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Sink()
    meter = MemoryMeter(sink, "node1234")
    meter.start()
    meter.stop()
    assert sink.values

    class Refusing:
        def record(self, metric: Metric, value: float, /, **labels: str) -> None:
            raise RuntimeError("planted")

    meter = MemoryMeter(Refusing(), "node1234")
    meter.start()
    meter.stop()
    assert "planted" in capsys.readouterr().err
