"""A journal written by hand and an MLflow in memory that can fail at any call: what the tracking tests stand on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tuner.records.epochs import EpochMetrics
from tuner.records.fold import report_line
from tuner.records.run_directory import RunDirectory
from tuner.tracking.best_model import BestModel
from tuner.tracking.follower import Follower
from tuner.tracking.state import TrackingState, read_state, write_state
from tuner.tracking.store import RUNNING, MlflowRun, ModelPlace, Point, Rejected, RunGone, StoreProblem
from tuner.training.forms import InputForm
from tuner.training.model_record import ModelRecord, at_epoch
from tuner.training.task_info import TaskInfo

RUN = "digits-20261121-0551-7f3a"
BEGAN = 1_795_000_000.0


class JournalBuilder:
    """Appends lines as a driver would, one second apart."""

    def __init__(self, runs: Path, run: str = RUN) -> None:
        self.directory = RunDirectory(runs / run)
        self.directory.path.mkdir(parents=True)
        self.directory.logs.mkdir()
        self.at = BEGAN
        self.lines: list[dict[str, Any]] = []

    def append(self, kind: str, **keys: object) -> JournalBuilder:
        self.at += 1
        return self.put({"kind": kind, "at": self.at, **keys})

    def put(self, line: dict[str, Any]) -> JournalBuilder:
        self.lines.append(line)
        with self.directory.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        return self

    def sweep(self, trials: int = 4, max_epochs: int = 5, task: str | None = "digits") -> JournalBuilder:
        return self.append(
            "sweep",
            version=1,
            run=self.directory.name,
            name="digits",
            metric="val_loss",
            mode="min",
            max_epochs=max_epochs,
            trials=trials,
            seed=7,
            task=task,
            parameters=[],
        )

    def keep_weights(self, trial: str, epoch: int, value: float = 0.3) -> Path:
        """The file that trial's worker would have kept: its header alone is real."""
        record = ModelRecord(
            run=self.directory.name,
            trial=trial,
            model="softmax",
            config={"lr": 0.003},
            fixed={},
            seed=5,
            task=TaskInfo("digits", (1, 8, 8), 10, 1000),
            inputs=InputForm("float32", [[[4.5]]], [[[6.0]]]),
            targets=None,
            data_hash="5f" * 16,
            metric="val_loss",
            mode="min",
        )
        path = self.directory.trial_checkpoints(trial) / "best.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {"1.weight": np.zeros((10, 64), np.float32), "1.bias": np.arange(10, dtype=np.float32)}
        save_file(weights, path, record.header() | at_epoch(epoch, value))
        return path

    def driver(self, attempt: int = 1) -> JournalBuilder:
        return self.append("driver", attempt=attempt, pid=1, host="here")

    def suggest(self, number: int, **config: object) -> JournalBuilder:
        config = config or {"lr": 0.003, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}
        return self.append("suggestion", trial=f"{number:04d}", number=number, config=config, origin="tpe", seed=number)

    def start(self, number: int, attempt: int = 1, after_epoch: int = 0) -> JournalBuilder:
        return self.append("start", trial=f"{number:04d}", attempt=attempt, after_epoch=after_epoch)

    def report(self, number: int, epoch: int, **metrics: float) -> JournalBuilder:
        self.at += 1
        metrics = metrics or {"train_loss": 1.0 / epoch, "val_loss": 1.0 / epoch + 0.1, "lr": 0.003}
        line = report_line(EpochMetrics(epoch, metrics, 0.5), f"{number:04d}", 1, self.at)
        if epoch == 1:
            facts = {"data_hash": "5f" * 16, "n_train": 1000, "n_parameters": 4810, "initial_loss": 2.3}
            line |= {"facts": facts, "node": "127.0.0.1"}
        return self.put(line)

    def ending(self, number: int, ending: str, reason: str = "", **more: object) -> JournalBuilder:
        return self.append(
            "ending",
            trial=f"{number:04d}",
            attempt=1,
            ending=ending,
            reason=reason,
            value=None,
            best_epoch=None,
            **more,
        )

    def trial(self, number: int, epochs: int, ending: str = "completed", reason: str = "") -> JournalBuilder:
        """A whole trial."""
        self.suggest(number).start(number)
        for epoch in range(1, epochs + 1):
            self.report(number, epoch)
        return self.ending(number, ending, reason)

    def end(self, status: str = "finished", reason: str = "") -> JournalBuilder:
        return self.append("end", status=status, reason=reason, seconds={"total": 1.0})


def overfitting() -> dict[str, Any]:
    says = "validation loss rose from 0.3 to 0.5"
    finding = {
        "symptom": "overfitting",
        "confidence": 0.9,
        "since_epoch": 3,
        "evidence": {},
        "says": says,
        "remedies": [],
    }
    return {"id": "0000", "verdict": "overfitting", "findings": [finding]}


class Crash(BaseException):
    """The follower's process is killed."""


@dataclass
class Held:
    """One MLflow run in memory. Points are appended as they come: a double shows."""

    experiment_id: str
    name: str
    started_at: int
    status: str
    tags: dict[str, str]
    deleted: bool = False
    params: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    ended_at: int | None = None
    datasets: set[str] = field(default_factory=set)
    artifacts: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)


@dataclass
class MemoryStore:
    """An MLflow whose `fail` is asked before and after every call, and in the middle of a write."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Held] = field(default_factory=dict)
    experiment_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    fail: Callable[[str, str], None] = lambda moment, call: None
    late: list[Held] = field(default_factory=list)
    """Runs that a slow server makes after it was given up on; they turn up at the next `set_status`."""
    calls: int = 0
    refuses_models: bool = False

    def experiment(self, name: str) -> str:
        return self._call("experiment", lambda: self.experiments.setdefault(name, str(len(self.experiments) + 1)))

    def find(self, experiment_id: str, run: str) -> Mapping[str, Sequence[MlflowRun]]:
        def look() -> dict[str, list[MlflowRun]]:
            out: dict[str, list[MlflowRun]] = {}
            for run_id, held in self.runs.items():
                if held.experiment_id == experiment_id and held.tags["tuner.run"] == run:
                    known = MlflowRun(run_id, held.status, dict(held.tags), dict(held.params), held.deleted)
                    out.setdefault(held.tags.get("tuner.trial", ""), []).append(known)
            return out

        return self._call("find", look)

    def create(self, experiment_id: str, name: str, at: int, tags: Mapping[str, str]) -> str:
        def make() -> str:
            run_id = f"run{len(self.runs):04d}"
            self.runs[run_id] = Held(experiment_id, name, at, RUNNING, dict(tags))
            return run_id

        return self._call("create", make)

    def write(
        self,
        run_id: str,
        points: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        drop: Collection[str] = (),
    ) -> None:
        held = self._living(run_id)
        for name, value in params.items():
            if held.params.get(name, value) != value or value == "refused":
                raise Rejected(f"{name} = {value}")

        def put() -> None:
            held.params |= params
            held.points += points[: len(points) // 2]
            self.fail("half", "write")
            held.points += points[len(points) // 2 :]
            held.tags |= tags
            for name in drop:
                held.tags.pop(name, None)

        self._call("write", put)

    def steps(self, run_id: str, names: Collection[str]) -> Mapping[str, Collection[int]]:
        points = self._living(run_id).points
        return self._call("steps", lambda: {name: {p.step for p in points if p.name == name} for name in names})

    def set_status(self, run_id: str, status: str, at: int) -> None:
        for held in self.late:
            self.runs[f"late{len(self.runs)}"] = held
        self.late.clear()
        held = self._living(run_id)

        def put() -> None:
            held.status = status
            held.ended_at = None if status == RUNNING else at

        self._call("set_status", put)

    def dataset(self, run_id: str, name: str, digest: str, source: str, profile: Mapping[str, object]) -> None:
        self._call("dataset", lambda: self._living(run_id).datasets.add(f"{name} {digest}"))

    def artifact(self, run_id: str, path: Path, folder: str = "") -> None:
        self._call("artifact", lambda: self._living(run_id).artifacts.add(f"{folder}/{path.name}".lstrip("/")))

    def model(self, experiment_id: str, place: ModelPlace, best: BestModel) -> None:
        if self.refuses_models:
            raise Rejected("too old a server")
        self._call("model", lambda: self._living(place.run_id).models.add(best.tags["tuner.weights"]))

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        self._call("tag_experiment", lambda: self.experiment_tags.setdefault(experiment_id, {}).update(tags))

    def delete(self, run_id: str) -> None:
        self.runs[run_id].deleted = True

    def _living(self, run_id: str) -> Held:
        held = self.runs[run_id]
        if held.deleted:
            raise RunGone(run_id)
        return held

    def _call(self, name: str, do: Callable[[], Any]) -> Any:
        self.calls += 1
        self.fail("before", name)
        out = do()
        self.fail("after", name)
        return out

    def by_trial(self) -> dict[str, Held]:
        """Raises where a trial has two."""
        living = [held for held in self.runs.values() if not held.deleted]
        out = {held.tags.get("tuner.trial", ""): held for held in living}
        assert len(out) == len(living), "a trial has two MLflow runs"
        return out

    def content(self) -> dict[str, Any]:
        """All that is in it, in an order that does not depend on when it came."""
        return {
            trial: replace(held, points=sorted(held.points, key=repr))
            for trial, held in sorted(self.by_trial().items())
        }


@dataclass
class FailAt:
    """Raises `error` at the n-th moment of all calls, once."""

    n: int
    error: Callable[[], BaseException]
    moments: int = 0
    done: bool = False

    def __call__(self, moment: str, call: str) -> None:
        self.moments += 1
        if self.moments == self.n + 1:
            self.done = True
            raise self.error()


def follower_of(directory: RunDirectory, store: MemoryStore, curves: str = "all") -> Follower:
    """As a new process would make it: what it knows is in tracking.json."""

    def remember(state: TrackingState) -> None:
        store.fail("before", "remember")
        write_state(directory, state)
        store.fail("after", "remember")

    state = read_state(directory) or TrackingState("memory", "digits")
    return Follower(directory, store, state, remember, curves=curves)


def followed(
    directory: RunDirectory, store: MemoryStore, pieces: Sequence[Callable[[], object]], curves: str = "all"
) -> TrackingState:
    """What is remembered after each piece was written and followed, by a follower that is started anew whenever it
    crashes, and steps again when MLflow fails."""
    follower = follower_of(directory, store, curves)
    for piece in pieces:
        piece()
        moved = True
        while moved:
            try:
                moved = follower.step()
            except Crash:
                follower = follower_of(directory, store, curves)
            except Exception as problem:
                assert str(problem) == "no answer"
                store.fail = lambda moment, call: None
                follower.note(str(problem))
    follower.settle()
    state = read_state(directory)
    assert state is not None
    return state


def catch_up(directory: RunDirectory, store: MemoryStore, curves: str = "all") -> Follower:
    follower = follower_of(directory, store, curves)
    for _ in range(1000):
        if not follower.step():
            return follower
    raise AssertionError("the follower does not come to an end")


def unreachable() -> StoreProblem:
    return StoreProblem("no answer")


def is_nan(value: float) -> bool:
    return math.isnan(value)
