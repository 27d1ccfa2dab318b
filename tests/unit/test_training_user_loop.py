"""Training loops of the user's own: reports, decisions, checkpoints, and what goes wrong in them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_kit import assignment, failure, loop_plan, report

from tuner.training.trial import StopTrial, Trial
from tuner.training.worker import TrialWorker


def opened(plan: Any, config: dict[str, Any] | None = None, **given: Any) -> TrialWorker:
    worker = TrialWorker(plan)
    worker.open(assignment(plan, config or {}, **given))
    return worker


def falling(trial: Trial) -> None:
    for epoch in range(1, trial.max_epochs + 1):
        trial.report(epoch, train_loss=1 / epoch, val_loss=2 / epoch, val_f1=0.5)


def test_a_loop_is_stepped_epoch_by_epoch(tmp_path: Path) -> None:
    worker = opened(loop_plan(tmp_path, falling))
    first = report(worker)
    assert (first.trial, first.attempt, first.epoch.epoch) == ("0003", 1, 1)
    assert first.epoch.metrics == {"train_loss": 1.0, "val_loss": 2.0, "val_f1": 0.5}
    assert [report(worker).epoch.epoch, report(worker).epoch.epoch] == [2, 3]
    worker.close()


def test_the_loop_waits_for_each_decision_and_a_stop_reaches_it(tmp_path: Path) -> None:
    reached: list[object] = []

    def loop(trial: Trial) -> None:
        try:
            for epoch in (1, 2, 3):
                reached.append(epoch)
                try:
                    trial.report(epoch, val_loss=1.0)
                except Exception:  # a net like this in a loop must not catch the stop
                    reached.append("swallowed")
        except StopTrial:
            reached.append("stopped")
            raise

    worker = opened(loop_plan(tmp_path, loop))
    report(worker)
    assert reached == [1]
    report(worker)
    assert reached == [1, 2]
    worker.close()
    assert reached == [1, 2, "stopped"]


def test_the_wait_for_batches_is_recorded_with_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr("tuner.training.waiting.time.perf_counter", lambda: float(next(seconds)))
    seen: list[int] = []

    def loop(trial: Trial) -> None:
        batches = trial.batches([1, 2, 3])
        for epoch in (1, 2):
            seen.extend(batches)
            trial.report(epoch, val_loss=1.0)
        trial.report(3, val_loss=1.0)

    worker = opened(loop_plan(tmp_path, loop))
    waited = [report(worker).epoch.data_seconds for _ in range(3)]
    worker.close()
    assert seen == [1, 2, 3, 1, 2, 3]
    assert waited == [4.0, 4.0, 0.0], "a second for each batch and for the end; the third epoch asked for none"
    silent = opened(loop_plan(tmp_path, falling))
    assert report(silent).epoch.data_seconds is None
    silent.close()


def test_what_comes_after_the_last_epoch_is_still_done(tmp_path: Path) -> None:
    done = threading.Event()

    def loop(trial: Trial) -> None:
        falling(trial)
        done.set()

    worker = opened(loop_plan(tmp_path, loop))
    for _ in range(3):
        report(worker)
    worker.close()
    assert done.is_set()


def test_a_loop_that_returns_early_tells_its_last_epoch_again_as_finished(tmp_path: Path) -> None:
    worker = opened(loop_plan(tmp_path, lambda trial: trial.report(1, val_loss=1.0)))
    assert report(worker).finished is None
    last = report(worker)
    assert (last.epoch.epoch, last.finished) == (1, "the loop returned after epoch 1")


def test_the_loop_sees_its_parameters_and_its_seed(tmp_path: Path) -> None:
    seen: list[Any] = []

    def loop(trial: Trial) -> None:
        seen.append((trial.name, trial.config, trial.seed, trial.max_epochs, np.random.rand()))
        trial.report(1, val_loss=0.0)

    plan = loop_plan(tmp_path, loop, fixed={"width": 3, "lr": 1.0})
    for _ in range(2):
        report(opened(plan, {"lr": 0.5, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}))
    assert seen[0][1] == {"width": 3, "lr": 0.5, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}
    assert seen[0] == seen[1]


def raises(trial: Trial) -> None:
    trial.report(1, val_loss=1.0)
    raise KeyError("wrong turn")


def backwards(trial: Trial) -> None:
    trial.report(2, val_loss=1.0)
    trial.report(1, val_loss=1.0)


@pytest.mark.parametrize(
    ("loop", "epochs", "kind", "says"),
    [
        (raises, 1, "raised", "KeyError: 'wrong turn'"),
        (backwards, 1, "raised", "rise"),
        (lambda trial: None, 0, "raised", "without having reported"),
        (lambda trial: trial.report(1), 0, "raised", "no metric"),
        (lambda trial: trial.report(0, val_loss=1.0), 0, "raised", "count from 1"),
        (lambda trial: trial.report(1, val_loss="low"), 0, "raised", "report(1, val_loss='low'): a number"),
        (lambda trial: trial.checkpoint("nowhere"), 0, "raised", "nowhere"),
        (lambda trial: exit(3), 0, "raised", "SystemExit"),
        (lambda trial: np.empty(1 << 50), 0, "out_of_memory", "out of memory with the loop at lr 0.5"),
    ],
)
def test_a_fault_in_the_loop_is_a_failure_and_the_worker_lives_on(
    tmp_path: Path, loop: Any, epochs: int, kind: str, says: str
) -> None:
    worker = opened(loop_plan(tmp_path, loop), {"lr": 0.5})
    for _ in range(epochs):
        report(worker)
    told = failure(worker)
    assert told.kind == kind
    assert says in told.message + told.traceback
    worker.open(assignment(worker.plan, {"lr": 0.5}))
    worker.close()


def test_a_loop_by_name_is_found_from_the_folder_of_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "loop_of_the_test.py").write_text("def loop(trial):\n    trial.report(1, val_loss=7.0)\n")
    worker = opened(loop_plan(tmp_path, "loop_of_the_test:loop", folder=str(tmp_path)))
    assert report(worker).epoch.metrics == {"val_loss": 7.0}
    assert "has no" in failure(opened(loop_plan(tmp_path, "loop_of_the_test:run"))).traceback


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_checkpoints_of_the_loop_are_kept_and_found_again(tmp_path: Path, kind: str) -> None:
    restored: list[str | None] = []

    def loop(trial: Trial) -> None:
        path = trial.restore()
        text = None if path is None else (path / "w" if kind == "folder" else path).read_text()
        restored.append(text)
        for epoch in range(int(text or 0) + 1, trial.max_epochs + 1):
            own = tmp_path / ("state.ckpt" if kind == "file" else "state")
            if kind == "folder":
                own.mkdir(exist_ok=True)
            (own if kind == "file" else own / "w").write_text(str(epoch))
            trial.checkpoint(own)
            trial.report(epoch, val_loss=abs(epoch - 2.0))

    plan = loop_plan(tmp_path / "checkpoints", loop, max_epochs=5)
    worker = opened(plan)
    for _ in range(3):
        report(worker)
    worker.close()
    folder = tmp_path / "checkpoints" / "0003"
    suffix = ".ckpt" if kind == "file" else ""
    assert {path.name for path in folder.iterdir()} == {f"last-a{suffix}", f"best{suffix}", "notes.json"}
    best = folder / f"best{suffix}"
    assert (best if kind == "file" else best / "w").read_text() == "2"
    worker = opened(plan, attempt=2, after_epoch=3)
    assert report(worker).epoch.epoch == 4
    worker.close()
    assert restored == [None, "3"]
    assert (best if kind == "file" else best / "w").read_text() == "2"


def test_numbers_of_numpy_and_torch_are_numbers(tmp_path: Path) -> None:
    import torch

    def loop(trial: Trial) -> None:
        trial.report(1, train_loss=np.float32(0.5), val_loss=torch.tensor(0.25), other=float("nan"))  # type: ignore[arg-type]

    found = report(opened(loop_plan(tmp_path, loop))).epoch.metrics
    assert (found["train_loss"], found["val_loss"]) == (0.5, 0.25)
    assert found["other"] != found["other"]
