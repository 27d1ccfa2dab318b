"""What a loop of the user's own may say, what it is told back, and what a killed driver gets again."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_kit import assignment, failure, loop_plan, report

from tuner.records.epochs import EpochMetrics, Facts
from tuner.training.loop_checkpoints import LoopCheckpoints
from tuner.training.plan import TrainingPlan
from tuner.training.trial import StopTrial, Trial
from tuner.training.worker import TrialWorker


def opened(plan: TrainingPlan, **given: Any) -> TrialWorker:
    worker = TrialWorker(plan)
    worker.open(assignment(plan, {}, **given))
    return worker


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (np.float32(0.5), 0.5),
        (np.array([0.5]), 0.5),
        (torch.tensor([[0.5]], requires_grad=True), 0.5),
        (torch.tensor(3), 3.0),
        (True, 1.0),
        (math.inf, math.inf),
    ],
)
def test_any_number_is_a_metric(tmp_path: Path, given: Any, number: float) -> None:
    worker = opened(loop_plan(tmp_path, lambda trial: trial.report(1, val_loss=given)))
    assert report(worker).epoch.metrics == {"val_loss": number}
    worker.close()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda trial: trial.report(1, val_loss=torch.zeros(2, 3)), "val_loss=Tensor of shape (2, 3)): a number"),
        (lambda trial: trial.report(1, f1=np.zeros(2)), "f1=ndarray of shape (2,)): a number"),
        (lambda trial: trial.report(1, val_loss=""), "val_loss=''): a number"),
        (lambda trial: trial.report("one", val_loss=1.0), "report('one', …): epochs are whole"),
        (lambda trial: trial.report(math.nan, val_loss=1.0), "report(nan, …): epochs are whole"),
        (lambda trial: trial.report(None, val_loss=1.0), "report(None, …): epochs are whole"),
        (lambda trial: trial.report(True, val_loss=1.0), "report(True, …): epochs are whole"),
        (lambda trial: trial.tell(n_train=0), "tell(n_train=0): a whole number, 1 or more"),
        (lambda trial: trial.tell(num_classes=2.5), "tell(num_classes=2.5): a whole number"),
        (lambda trial: trial.tell(initial_loss="high"), "tell(initial_loss='high'): a number"),
        (lambda trial: trial.tell(train_eval="sometimes"), "tell(train_eval='sometimes'): epoch_mean or after_epoch"),
    ],
)
def test_what_is_no_number_is_named(tmp_path: Path, call: Callable[[Trial], None], says: str) -> None:
    told = failure(opened(loop_plan(tmp_path, call)))
    assert told.message.startswith("ValueError: ")
    assert says in told.message


def test_an_epoch_may_be_a_number_of_numpy_or_torch(tmp_path: Path) -> None:
    def loop(trial: Trial) -> None:
        trial.report(np.int64(1), val_loss=1.0)  # type: ignore[arg-type]
        trial.report(torch.tensor(2), val_loss=1.0)  # type: ignore[arg-type]

    worker = opened(loop_plan(tmp_path, loop))
    assert [report(worker).epoch.epoch for _ in range(2)] == [1, 2]
    worker.close()


def test_what_a_loop_tells_of_its_problem_comes_with_its_first_report(tmp_path: Path) -> None:
    def loop(trial: Trial) -> None:
        trial.tell(n_train=np.int64(100), num_classes=10, initial_loss=torch.tensor(2.5))  # type: ignore[arg-type]
        trial.tell(steps_per_epoch=4)
        for epoch in (1, 2):
            trial.report(epoch, val_loss=1.0)
        trial.tell(n_val=20)
        trial.report(3, val_loss=1.0)

    worker = opened(loop_plan(tmp_path, loop))
    first = Facts(n_train=100, num_classes=10, initial_loss=2.5, steps_per_epoch=4)
    told = [report(worker).facts for _ in range(3)]
    worker.close()
    assert told[:2] == [first, None]
    assert told[2] is not None
    assert (told[2].n_train, told[2].n_val) == (100, 20)


def test_a_finally_that_reports_and_a_loop_that_swallows_the_stop_change_nothing(tmp_path: Path) -> None:
    stops: list[int] = []

    def loop(trial: Trial) -> None:
        epoch = 0
        try:
            while epoch < 2:
                epoch += 1
                (tmp_path / "weights").write_text(str(epoch))
                trial.checkpoint(tmp_path / "weights")
                trial.report(epoch, val_loss=1.0)
        finally:
            for later in (2, 3):
                try:
                    trial.checkpoint(tmp_path / "weights")
                    trial.report(later, val_loss=0.0)
                except BaseException:  # as careless code does
                    stops.append(later)

    plan = loop_plan(tmp_path / "checkpoints", loop)
    worker = opened(plan)
    report(worker)
    worker.close()
    assert stops == [2, 3]
    assert [row[0] for row in json.loads((tmp_path / "checkpoints/0003/notes.json").read_text())["told"]] == [1]


def test_what_a_loop_raises_after_its_end_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(trial: Trial) -> None:
        try:
            trial.report(1, val_loss=1.0)
        except StopTrial as stop:
            raise OSError("the disk is full") from stop

    def after(trial: Trial) -> None:
        for epoch in (1, 2, 3):
            trial.report(epoch, val_loss=1.0)
        raise OSError("no such folder")

    worker = opened(loop_plan(tmp_path, stopped))
    report(worker)
    worker.close()
    assert "trial 0003 was over when its loop raised:" in (said := capsys.readouterr().err)
    assert "OSError: the disk is full" in said
    worker = opened(loop_plan(tmp_path, after))
    for _ in range(3):
        report(worker)
    worker.close()
    assert "OSError: no such folder" in capsys.readouterr().err


def test_a_loop_that_does_not_count_is_stopped_after_its_last_epoch(tmp_path: Path) -> None:
    seen: list[int] = []

    def loop(trial: Trial) -> None:
        for epoch in range(1, 1000):
            trial.report(epoch, val_loss=1.0)
            seen.append(epoch)

    worker = opened(loop_plan(tmp_path, loop))
    for _ in range(3):
        report(worker)
    worker.close()
    assert seen == [1, 2, 3]


def test_the_scratch_folder_goes_with_the_loop(tmp_path: Path) -> None:
    there: list[Path] = []

    def loop(trial: Trial) -> None:
        there.append(trial.scratch)
        (trial.scratch / "file").write_text("x")
        trial.report(1, val_loss=1.0)
        trial.report(2, val_loss=1.0)

    worker = opened(loop_plan(tmp_path, loop))
    report(worker)
    assert (there[0] / "file").is_file()
    worker.close()
    assert not there[0].exists()


class Rows(torch.utils.data.Dataset[torch.Tensor]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> torch.Tensor:
        return torch.tensor(float(place))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_stop_ends_the_processes_that_load_batches(tmp_path: Path) -> None:
    """A cycle of references keeps the loader, as Lightning's trainers are kept, until the collector comes by."""

    def loop(trial: Trial) -> None:
        holder: dict[str, Any] = {}
        holder["itself"] = holder
        holder["loader"] = torch.utils.data.DataLoader(
            Rows(), num_workers=1, persistent_workers=True, multiprocessing_context="fork"
        )
        for epoch in range(1, trial.max_epochs + 1):
            total = sum(batch.item() for batch in holder["loader"])
            trial.report(epoch, val_loss=total)

    worker = opened(loop_plan(tmp_path, loop))
    assert report(worker).epoch.metrics == {"val_loss": 6.0}
    assert multiprocessing.active_children() != []
    worker.close()
    assert multiprocessing.active_children() == []


def keeps(trial: Trial) -> None:
    """Its state is the number of epochs it has trained."""
    path = trial.restore()
    for epoch in range(int(path.read_text()) + 1 if path else 1, trial.max_epochs + 1):
        if path is None and epoch == 1:
            trial.tell(initial_loss=2.5, n_train=7)
        (trial.scratch / "state").write_text(str(epoch))
        trial.checkpoint(trial.scratch / "state")
        trial.report(epoch, val_loss=1 / epoch)


def test_an_epoch_that_the_journal_lacks_is_told_again_and_not_trained_again(tmp_path: Path) -> None:
    """A driver killed between a loop's checkpoint and its journal lost that epoch's report for good."""
    plan = loop_plan(tmp_path, keeps, max_epochs=5)
    worker = opened(plan)
    before = [report(worker) for _ in range(3)]
    worker.close()
    again = opened(plan, attempt=2, after_epoch=1)
    after = [report(again) for _ in range(3)]
    again.close()
    assert [told.epoch for told in after[:2]] == [told.epoch for told in before[1:]], "the seconds of then, too"
    assert (after[2].epoch.epoch, after[2].epoch.metrics) == (4, {"val_loss": 0.25})
    assert after[0].attempt == 2
    assert after[0].facts == before[0].facts == Facts(initial_loss=2.5, n_train=7)


def test_a_checkpoint_counts_when_its_epoch_is_reported(tmp_path: Path) -> None:
    """Else a loop killed before its report goes on after an epoch that nobody heard of."""
    folder = tmp_path / "0003"
    weights = tmp_path / "weights"
    first = LoopCheckpoints(folder, "me", goes_on=False)
    for epoch in (1, 2):
        weights.write_text(str(epoch))
        first.stage(weights)
        first.commit(EpochMetrics(epoch, {"val_loss": 1.0}), 1.0, None)
    weights.write_text("3")
    first.stage(weights)
    for other, goes_on, found in (("me", True, "2"), ("me", False, None), ("you", True, None)):
        path = LoopCheckpoints(folder, other, goes_on=goes_on).last()
        assert (path.read_text() if path else None) == found
    assert [row.epoch for row in LoopCheckpoints(folder, "me", goes_on=True).reports_after(0)] == [1, 2]


def test_the_best_checkpoint_is_not_the_last_one_written_over(tmp_path: Path) -> None:
    kept = LoopCheckpoints(tmp_path / "0003", "me", goes_on=False)
    for epoch, value in ((1, 3.0), (2, 1.0), (3, 2.0), (4, 2.0)):
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        (folder / "w").write_text(str(epoch))
        kept.stage(folder)
        kept.commit(EpochMetrics(epoch, {"val_loss": value}), value if epoch < 3 else None, None)
    assert (tmp_path / "0003/best/w").read_text() == "2"
    last = kept.last()
    assert last is not None
    assert (last / "w").read_text() == "4"
