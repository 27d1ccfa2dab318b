"""A Lightning Trainer that reports to a trial: what it tells, how it is stopped, where it goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from training_kit import assignment, failure, loop_plan, report

import tuner
from tuner.records.epochs import Report
from tuner.training.trial import StopTrial, Trial
from tuner.training.worker import TrialWorker

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),  # of Lightning's own
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*have no .val_dataloader.*"),
]
X = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()


class Net(lightning.LightningModule):
    """Its schedule halves `lr` each epoch, and it drops out: a resumed curve shows where it went on."""

    num_classes = 3

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 3))

    def training_step(self, batch: Any, number: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=False)  # the last batch's: not the epoch's
        return loss

    def validation_step(self, batch: Any, number: int) -> None:
        outputs = self.layers(batch[0])
        self.log("valid/loss", nn.functional.cross_entropy(outputs, batch[1]))
        self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())
        self.log("margin", outputs.max())

    def on_train_epoch_end(self) -> None:
        self.log("logged_late", float(self.current_epoch))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.5, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]


def make_loop(seen: list[str], workers: int = 0, **given: Any) -> Any:
    def loop(trial: Trial) -> None:
        callbacks = [tuner.LightningReport(trial, **given.pop("report", {}))]
        quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        options = {"max_epochs": trial.max_epochs, "accelerator": "cpu", "enable_model_summary": False} | quiet | given
        trainer = lightning.Trainer(callbacks=callbacks, **options)
        processes = {"num_workers": workers, "multiprocessing_context": "fork" if workers else None}
        train = DataLoader(TensorDataset(X[:80], Y[:80]), 30, shuffle=True, **processes)
        val = DataLoader(TensorDataset(X[80:], Y[80:]), 30)
        try:
            trainer.fit(Net(), train, val, ckpt_path=trial.restore())
        except StopTrial:
            seen.append(str(trainer.state.status.value))
            raise
        seen.append(str(trainer.state.status.value))

    return loop


def reports(
    folder: Path, epochs: int, seen: list[str], *, attempt: int = 1, after: int = 0, **given: Any
) -> list[Report]:
    plan = loop_plan(folder, make_loop(seen, **given), max_epochs=4)
    before = set(threading.enumerate())
    worker = TrialWorker(plan)
    worker.open(assignment(plan, {}, attempt=attempt, after_epoch=after))
    found = [report(worker) for _ in range(epochs)]
    worker.close()
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"tqdm_monitor"}
    return found


def test_each_epoch_is_reported_with_all_that_was_logged(tmp_path: Path) -> None:
    found = reports(tmp_path, 4, seen := [])
    assert [told.epoch.epoch for told in found] == [1, 2, 3, 4]
    assert [told.epoch.metrics["lr"] for told in found] == [0.5, 0.25, 0.125, 0.0625]
    assert [told.epoch.metrics["logged_late"] for told in found] == [0, 1, 2, 3]
    names = {"train_loss", "val_loss", "val_accuracy", "margin", "logged_late", "lr", "grad_norm"}
    assert set(found[0].epoch.metrics) == names
    assert all(0 <= (told.epoch.data_seconds or 0) < told.epoch.seconds for told in found)
    facts = found[0].facts
    assert facts is not None
    assert (facts.n_train, facts.n_val, facts.num_classes, facts.steps_per_epoch) == (80, 20, 3, 3)
    assert (facts.n_parameters, facts.train_eval, facts.device) == (15, "epoch_mean", "cpu")
    assert seen == ["finished"]


@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_training_loss_is_the_mean_over_the_batches_of_the_epoch(tmp_path: Path, accumulated: int) -> None:
    """With a learning rate of 0 they are those of the untrained network, whatever the module logged."""

    def loop(trial: Trial) -> None:
        net = Net()
        net.configure_optimizers = lambda: torch.optim.SGD(net.parameters(), lr=0.0)  # type: ignore[method-assign]
        with torch.no_grad():
            net.layers[0].p = 0.0
            parts = [nn.functional.cross_entropy(net.layers(X[a:b]), Y[a:b]).item() for a, b in BATCHES]
        wanted.extend(parts)
        trainer = lightning.Trainer(
            callbacks=[tuner.LightningReport(trial)],
            max_epochs=1,
            accumulate_grad_batches=accumulated,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            accelerator="cpu",
        )
        trainer.fit(net, DataLoader(TensorDataset(X[:80], Y[:80]), 30))

    wanted: list[float] = []
    plan = loop_plan(tmp_path, loop)
    worker = TrialWorker(plan)
    worker.open(assignment(plan))
    told = report(worker)
    worker.close()
    assert told.epoch.metrics["train_loss"] == pytest.approx(sum(wanted) / 3)
    assert told.facts is not None
    assert told.facts.initial_loss == pytest.approx(wanted[0])


BATCHES = ((0, 30), (30, 60), (60, 80))


def test_what_was_not_validated_in_an_epoch_is_not_reported_again(tmp_path: Path) -> None:
    found = reports(tmp_path, 4, [], check_val_every_n_epoch=2)
    assert [sorted({"val_loss", "margin"} & set(told.epoch.metrics)) for told in found] == [
        [],
        ["margin", "val_loss"],
        [],
        ["margin", "val_loss"],
    ]


def test_a_stop_tears_lightning_down_and_ends_the_loop(tmp_path: Path) -> None:
    reports(tmp_path, 2, seen := [])
    assert seen == ["interrupted"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*persistent_workers.*")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_lost_trial_goes_on_bit_for_bit(tmp_path: Path, workers: int) -> None:
    """Lightning restores what is saved as an epoch begins to an epoch without a batch, if it is saved as it stands."""
    whole = reports(tmp_path / "whole", 4, [], workers=workers)
    reports(tmp_path / "broken", 2, [], workers=workers)
    after = reports(tmp_path / "broken", 2, [], attempt=2, after=2, workers=workers)
    assert [told.epoch.metrics for told in after] == [told.epoch.metrics for told in whole[2:]]
    assert after[0].facts == whole[0].facts


def test_checkpoints_may_be_rare_or_none(tmp_path: Path) -> None:
    reports(tmp_path / "none", 2, [], report={"every": 0})
    assert not (tmp_path / "none/0003").exists()
    reports(tmp_path / "rare", 3, [], report={"every": 2})
    assert [told.epoch.epoch for told in reports(tmp_path / "rare", 2, [], attempt=2, after=3)] == [3, 4]


def test_more_epochs_than_the_trial_has_are_not_trained(tmp_path: Path) -> None:
    reports(tmp_path, 4, seen := [], max_epochs=1000)
    assert seen == ["interrupted"]


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightning.Trainer, "world_size", 2)
    plan = loop_plan(tmp_path, make_loop([]))
    worker = TrialWorker(plan)
    worker.open(assignment(plan))
    assert "2 processes train one trial" in failure(worker).message
