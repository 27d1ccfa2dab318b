"""Journal lines in, published numbers out; and that no trouble with publishing reaches the sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_records import SweepLines, four_endings

from tuner.api.meters import SweepMeters
from tuner.launch.metrics import METRICS, PUBLISH_SECONDS, Metric
from tuner.records.run_directory import RunDirectory
from tuner.tracking.state import TrackingState, write_state

START = 1000.0


class Backend:
    """The last value of each gauge, the sum of each counter, what each histogram saw."""

    def __init__(self, broken: bool = False) -> None:
        self.values: dict[str, float] = {}
        self.seen: dict[str, list[float]] = {}
        self.calls = 0
        self.broken = broken

    def record(self, metric: Metric, value: float, /, **labels: str) -> None:
        self.calls += 1
        if self.broken:
            raise RuntimeError("planted")
        assert metric in METRICS
        assert set(labels) == set(metric.labels)
        assert metric.kind != "counter" or value > 0, "Ray refuses to add nothing"
        key = metric.name.removeprefix("tuner_") + "".join(f" {text}" for text in labels.values())
        if metric.kind == "histogram":
            self.seen.setdefault(key, []).append(value)
        else:
            self.values[key] = value + (self.values.get(key, 0.0) if metric.kind == "counter" else 0.0)


def meters(tmp_path: Path, *, tracked: bool = False, said: list[str] | None = None) -> SweepMeters:
    directory = RunDirectory(tmp_path)
    directory.journal.write_bytes(b"x" * 1000)
    seconds = iter(range(10_000))
    return SweepMeters(
        directory, tracked=tracked, say=(said if said is not None else []).append, cpu=lambda: float(next(seconds))
    )


def values(sweep: SweepLines, tmp_path: Path) -> Backend:
    backend, view = Backend(), meters(tmp_path)
    with view.published(backend):
        view.lines(sweep.lines)
    return backend


def test_a_sweep_is_published_with_its_endings_verdicts_and_best(tmp_path: Path) -> None:
    backend = values(four_endings(), tmp_path)
    expected = {
        "trials_planned": 4,
        "trials_ended": 4,
        "trials_by_ending completed": 1,
        "trials_by_ending pruned": 1,
        "trials_by_ending doomed": 1,
        "trials_by_ending failed": 1,
        "trials_by_ending interrupted": 0,
        "trials_by_verdict healthy": 1,
        "trials_by_verdict overfitting": 1,
        "trials_by_verdict diverged": 1,
        "trials_by_verdict unknown": 1,
        "trials_running": 0,
        "trials_queued": 0,
        "trials_paused": 0,
        "best_metric val_loss": pytest.approx(2.3 * 0.65**8),
        "epochs": 9 + 6 + 2,
        "lost_workers": 0,
        "driver_busy_seconds": 1,
    }
    assert backend.values == expected
    assert backend.seen == {"epoch_seconds": [1.5] * 17}


def test_trials_run_wait_for_a_worker_or_wait_at_their_rung(tmp_path: Path) -> None:
    sweep = SweepLines()
    trials = [sweep.suggest(number, {"lr": 0.1}) for number in range(4)]
    sweep.add("suggestion", trial="0004", number=4, config={"lr": 0.2}, origin="tpe", seed=4)
    for trial in trials[:2]:
        sweep.add("rung", trial=trial, epoch=1, value=1.0, promoted=False, reason="it waits", paused=True)
    sweep.add("promotion", trial=trials[1], epoch=1)
    sweep.add("lost", trial=trials[2], attempt=1, failure="lost", reason="its node is gone")
    sweep.add("lost", trial=trials[2], attempt=1, failure="storage", reason="no checkpoint can be written")
    found = values(sweep, tmp_path).values
    assert (found["trials_running"], found["trials_queued"], found["trials_paused"]) == (1, 3, 1)
    assert found["lost_workers"] == 1, "the storage's trouble loses no worker"


def test_after_a_resume_gauges_know_everything_and_counters_only_what_is_new(tmp_path: Path) -> None:
    sweep = four_endings()
    backend, view = Backend(), meters(tmp_path)
    view.lines(sweep.lines)  # what the journal held
    before = len(sweep.lines)
    sweep.driver(2)
    trial = sweep.suggest(4, {"lr": 0.1})
    sweep.report(trial, 1, {"val_loss": 9.0})
    with view.published(backend):
        view.lines(sweep.lines[before:])
    assert (backend.values["trials_ended"], backend.values["trials_running"]) == (4, 1)
    assert backend.values["epochs"] == 1
    assert backend.seen == {"epoch_seconds": [1.5]}


def test_it_publishes_at_its_own_pace_however_often_it_is_asked(tmp_path: Path) -> None:
    backend, view = Backend(), meters(tmp_path)
    view.refresh(START)
    assert backend.calls == 0, "nothing before the cluster is there"
    with view.published(backend):
        view.refresh(START + PUBLISH_SECONDS)
        once = backend.calls
        assert once > 0
        for _ in range(100):
            view.refresh(START + 1.5 * PUBLISH_SECONDS)
        assert backend.calls == once
        view.refresh(START + 2 * PUBLISH_SECONDS)
        assert backend.calls == 2 * once
    assert backend.calls == 3 * once, "the last numbers, at the end"
    view.refresh(START + 9 * PUBLISH_SECONDS)
    assert backend.calls == 3 * once


def test_the_backlog_is_what_of_the_journal_mlflow_has_not_got(tmp_path: Path) -> None:
    backend, view = Backend(), meters(tmp_path, tracked=True)
    with view.published(backend):
        view.refresh(START)
        assert backend.values["tracking_backlog_bytes"] == 1000, "the follower has not begun"
        write_state(RunDirectory(tmp_path), TrackingState("sqlite:///here.db", "digits", offset=400))
        view.refresh(START + PUBLISH_SECONDS)
        assert backend.values["tracking_backlog_bytes"] == 600
        write_state(RunDirectory(tmp_path), TrackingState("sqlite:///here.db", "digits", offset=1000))
    assert backend.values["tracking_backlog_bytes"] == 0


def test_a_sweep_that_is_not_tracked_has_no_backlog(tmp_path: Path) -> None:
    assert "tracking_backlog_bytes" not in values(four_endings(), tmp_path).values


@pytest.mark.parametrize("trouble", ["ray", "disk"])
def test_trouble_is_told_once_and_ends_the_publishing_alone(tmp_path: Path, trouble: str) -> None:
    said: list[str] = []
    backend, view = Backend(broken=trouble == "ray"), meters(tmp_path, tracked=True, said=said)
    if trouble == "disk":
        (tmp_path / "tracking.json").write_text(json.dumps([]))
    with view.published(backend):
        view.refresh(START)
        calls = backend.calls
        view.lines(four_endings().lines)
        view.refresh(START + PUBLISH_SECONDS)
    assert backend.calls == calls
    (line,) = said
    assert line.startswith("no further metrics are published: ")
