"""Hugging Face's Trainer that reports to a trial: what it tells, how it is stopped, where it goes on."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from training_kit import assignment, loop_plan, report
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments

import tuner
from tuner.records.epochs import Report
from tuner.training.trial import StopTrial, Trial
from tuner.training.worker import TrialWorker

TOKENS = torch.randint(0, 8, (60, 6), generator=torch.Generator().manual_seed(0))
LABELS = (TOKENS == 3).any(1).long()


class Words(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        return {"input_ids": TOKENS[self.first + place], "labels": LABELS[self.first + place]}


class Spy(TrainerCallback):  # type: ignore[misc]
    def __init__(self) -> None:
        self.losses: list[tuple[int, float]] = []
        self.evaluations: list[int] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
        if "loss" in logs:
            self.losses.append((state.global_step, logs["loss"]))

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self.evaluations.append(state.global_step)


def reports(
    folder: Path,
    epochs: int,
    spy: Spy,
    *,
    attempt: int = 1,
    after: int = 0,
    ended: list[str] | None = None,
    dropout: float = 0.1,
    **given: Any,
) -> list[Report]:
    def loop(trial: Trial) -> None:
        torch.manual_seed(trial.seed)
        sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        drop = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        model = BertForSequenceClassification(
            BertConfig(vocab_size=8, max_position_embeddings=8, num_labels=2, **sizes, **drop)
        )
        options = {
            "output_dir": str(trial.scratch),
            "num_train_epochs": trial.max_epochs,
            "per_device_train_batch_size": 10,
            "learning_rate": 1e-2,
            "eval_strategy": "epoch",
            "save_strategy": "no",
            "disable_tqdm": True,
            "use_cpu": True,
            "seed": 5,
        }
        trainer = Trainer(
            model,
            TrainingArguments(**(options | given)),
            train_dataset=Words(0, 40),
            eval_dataset=Words(40, 60),
            compute_metrics=lambda found: {"acc": float((found.predictions.argmax(1) == found.label_ids).mean())},
            callbacks=[tuner.TransformersReport(trial), spy],
        )
        try:
            trainer.train(resume_from_checkpoint=trial.restore())
        except StopTrial:
            if ended is not None:
                ended.append("stopped")
            raise

    plan = loop_plan(folder, loop, max_epochs=3)
    before = set(threading.enumerate())
    worker = TrialWorker(plan)
    worker.open(assignment(plan, {}, attempt=attempt, after_epoch=after))
    found = [report(worker) for _ in range(epochs)]
    worker.close()
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"tqdm_monitor"}
    return found


def test_one_report_an_epoch_however_often_it_logs(tmp_path: Path) -> None:
    found = reports(tmp_path, 3, spy := Spy(), logging_steps=3)
    assert [told.epoch.epoch for told in found] == [1, 2, 3]
    assert [step for step, _ in spy.losses] == [3, 4, 6, 8, 9, 12], "what is left of an epoch is logged at its end"
    per_step = dict(spy.losses)
    assert found[0].epoch.metrics["train_loss"] == pytest.approx((3 * per_step[3] + per_step[4]) / 4)
    assert found[1].epoch.metrics["train_loss"] == pytest.approx((2 * per_step[6] + 2 * per_step[8]) / 4)
    assert spy.evaluations == [4, 8, 12]
    assert set(found[0].epoch.metrics) == {"train_loss", "val_loss", "val_accuracy", "lr", "grad_norm"}
    assert all(0 <= (told.epoch.data_seconds or 0) < told.epoch.seconds for told in found)
    facts = found[0].facts
    assert facts is not None
    assert (facts.n_train, facts.n_val, facts.num_classes, facts.steps_per_epoch) == (40, 20, 2, 4)
    assert facts.initial_loss == pytest.approx(math.log(2), abs=0.1)
    assert facts.train_eval == "epoch_mean"


def test_evaluation_and_saving_by_steps_come_to_the_same(tmp_path: Path) -> None:
    """Without dropout: an evaluation draws from the generator that dropout draws from."""
    steps = {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 3}
    by_epoch = reports(tmp_path / "epoch", 3, Spy(), logging_strategy="no", dropout=0.0)
    by_steps = reports(tmp_path / "steps", 3, spy := Spy(), **steps, dropout=0.0)
    assert spy.evaluations == [2, 4, 6, 8, 10, 12]
    for name in ("train_loss", "val_loss"):
        assert [told.epoch.metrics[name] for told in by_steps] == pytest.approx(
            [told.epoch.metrics[name] for told in by_epoch]
        )


def test_a_lost_trial_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = reports(tmp_path / "whole", 3, Spy(), ended=(ended := []))
    assert ended == []
    reports(tmp_path / "broken", 2, Spy(), ended=ended)
    assert ended == ["stopped"]
    after = reports(tmp_path / "broken", 1, Spy(), attempt=2, after=2)
    assert (after[0].epoch.epoch, after[0].epoch.metrics) == (3, whole[2].epoch.metrics)
    assert after[0].facts == whole[0].facts


def test_a_loss_that_is_not_a_number_is_not_hidden(tmp_path: Path) -> None:
    """The Trainer's own filter puts the mean of earlier losses in its place."""
    (first,) = reports(tmp_path, 1, Spy(), learning_rate=1e30)
    assert math.isnan(first.epoch.metrics["train_loss"])
