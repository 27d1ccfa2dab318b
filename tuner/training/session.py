"""One trial in a worker: built or restored, trained an epoch at a time, its checkpoints written."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tuner.errors import Fault, InputError
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Report
from tuner.records.values import decode_metrics, encode_metrics
from tuner.training.building import build_trainer, loss_of
from tuner.training.checkpoints import Checkpoints
from tuner.training.data_source import DataSource
from tuner.training.device_data import DeviceData
from tuner.training.group import Group
from tuner.training.kinds import reported
from tuner.training.model_record import ModelRecord, at_epoch
from tuner.training.pictures import draw
from tuner.training.plan import TrainingPlan
from tuner.training.randomness import Randomness
from tuner.training.remote_folder import remote_folder
from tuner.training.settings import Part, read_settings
from tuner.training.starting_weights import start_trainer
from tuner.training.storing import storing
from tuner.training.weights import read_weights


class Session:
    """Made, then started. Raises whatever goes wrong; the worker makes a Failure of it."""

    def __init__(
        self, plan: TrainingPlan, source: DataSource, assignment: Assignment, group: Group | None = None
    ) -> None:
        """`group`: the workers of the trial, where it has several: each has a session, and rank 0 keeps checkpoints."""
        self.plan, self.assignment, self._source = plan, assignment, source
        values = plan.settings(assignment.config)
        self.settings = read_settings(values, plan.model)
        self.data = source.get(self.settings, values)
        self.device = self.data.device
        self.randomness = Randomness(assignment.seed, self.device)
        self.group = group or Group()
        remote = None if self.group.rank else remote_folder(plan, assignment.trial)
        self.checkpoints = Checkpoints(Path(plan.checkpoints_dir) / assignment.trial, remote)
        self.n_parameters = 0
        """Trainable weights, once there is a model."""
        self.epoch = 0
        self.best: tuple[float, int] | None = None
        """Value and epoch."""
        self._told: list[str] = []
        """The report of each epoch so far as JSON, those of earlier attempts too: one text in a checkpoint costs far
        less than as many numbers."""
        self._stored: deque[Report] = deque()
        """Reports of epochs that the journal lacks, though they were trained before the worker was lost."""
        self.facts: Facts | None = None
        self._first = True

    def start(self) -> None:
        """Build the model, then restore it or measure it untrained."""
        with self.randomness.lent():
            self.trainer = build_trainer(
                self.settings,
                self.data,
                self.device,
                self.assignment.max_epochs,
                self.plan.folder,
                self._source.own,
                self.group,
            )
        known = reported(tuple(self.trainer.scores.metrics))
        if self.plan.metric not in known:
            cure = f"this task reports {', '.join(known)}"
            raise InputError("no such metric", (Fault("metric", self.plan.metric, cure),))
        self.n_parameters = sum(weight.numel() for weight in self.trainer.weights)
        self._says = self._record().header()
        self.facts = self._restored()
        if self.facts is None:
            started = start_trainer(self.trainer.model, self.settings, self.plan.folder, Path(self.plan.runs))
            if started:
                print(f"{self.assignment.trial}: {started}", flush=True)
            with self.randomness.lent():
                initial = self.trainer.evaluate(self.data.train_sample())["loss"]
            self.facts = self._facts(float(initial))

    @property
    def holds_much(self) -> bool:
        """Whether its memory is worth a collector's pass: anything on a GPU, or more than 16 million weights."""
        return self.device.type != "cpu" or self.n_parameters > 1 << 24

    def describe(self) -> str:
        """What was being trained, for the one who has to make it smaller."""
        arguments = "".join(f" {name} {value}" for name, value in self.settings.builder_arguments.items())
        weights = f" ({self.n_parameters:,} weights)" if self.n_parameters else ""
        return f"batch_size {self.settings.batch_size} and {self.settings.model}{arguments}{weights}"

    def next_report(self) -> Report:
        """The next epoch's: one that a checkpoint kept, or one trained now."""
        report = self._stored.popleft() if self._stored else self._train()
        if self._first:
            self._first = False
            report = replace(report, facts=self.facts)
        return report

    def draw(self) -> None:
        """Pictures of its best epoch's network, beside its checkpoints. For a trial that trains no more: the weights
        are those of that epoch from then on."""
        if not isinstance(self.data, DeviceData) or not self.checkpoints.best.is_file():
            return
        self.trainer.model.load_state_dict(read_weights(self.checkpoints.best))
        draw(self.trainer, self.data, self._source.task, self.settings.model, self.checkpoints.pictures)
        self.checkpoints.send_pictures()

    def _train(self) -> Report:
        started = time.perf_counter()
        trainer, data = self.trainer, self.data
        lr = trainer.schedule.lr
        with self.randomness.lent():
            measured = trainer.train_epoch(data, self.randomness.data)
            self.group.level(trainer.model.buffers())  # one network is evaluated and kept, whoever of them does it
            seen = trainer.evaluate(data.train_sample())
            measured["train_eval_loss"] = seen.pop("loss")
            measured |= {f"train_{name}": value for name, value in seen.items()}
            measured |= {f"val_{name}": value for name, value in trainer.evaluate(data.validation()).items()}
        numbers = torch.stack([value.float() for value in measured.values()]).tolist()  # the epoch's one transfer
        self.group.check()
        metrics = dict(zip(measured, numbers, strict=True)) | {"lr": lr}
        trainer.schedule.after_epoch(metrics["val_loss"])
        self.epoch += 1
        value = metrics[self.plan.metric]
        is_best = self.plan.better(value, self.best[0] if self.best else None)
        if is_best:
            self.best = (value, self.epoch)
        finished = self._out_of_patience()
        seconds = time.perf_counter() - started
        done = EpochMetrics(self.epoch, metrics, seconds, trainer.data_seconds)
        report = Report(self.assignment.trial, self.assignment.attempt, done, finished)
        self._told.append(_encoded(report))
        last = finished is not None or self.epoch >= self.assignment.max_epochs
        if self.group.rank:
            return report
        with storing(self.checkpoints.last.parent):
            if is_best:
                self.checkpoints.write_best(trainer.model.state_dict(), self._says | at_epoch(self.epoch, value))
            if is_best or last or self.epoch % self.plan.every == 0:
                self.checkpoints.write(self._state())
        return report

    def _out_of_patience(self) -> str | None:
        patience, best = self.settings.patience, self.best[1] if self.best else 0
        if patience is None or self.epoch - best < patience:
            return None
        return f"patience {patience}: no better {self.plan.metric} since epoch {best}"

    def _facts(self, initial_loss: float) -> Facts:
        task, data = self.data.task, self.data
        loss = loss_of(self.settings, task, self._source.own)
        return Facts(
            initial_loss=initial_loss,
            baseline_loss=data.baseline(loss.name) if isinstance(loss, Part) else None,
            num_classes=task.num_classes or None,
            n_train=task.n_train,
            n_val=data.n_val,
            n_parameters=self.n_parameters,
            steps_per_epoch=len(data.batch_sizes(self.settings.batch_size)),
            train_eval="epoch_mean",
            device=str(self.device),
            data_hash=data.data_hash,
        )

    def _record(self) -> ModelRecord:
        """For the header of the best epoch's weights."""
        scale = self.data.scale
        return ModelRecord(
            run=Path(self.plan.checkpoints_dir).parent.name,
            trial=self.assignment.trial,
            model=self.settings.model,
            config=dict(self.assignment.config),
            fixed=dict(self.plan.fixed),
            seed=self.assignment.seed,
            task=self.data.task,
            inputs=self.data.inputs,
            targets=None if scale is None else scale.form(),
            data_hash=self.data.data_hash,
            metric=self.plan.metric,
            mode=self.plan.mode,
        )

    def _state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        trainer = self.trainer
        return {
            "identity": self._identity(),
            "epoch": self.epoch,
            "best": self.best,
            "model": trainer.model.state_dict(),
            "optimizer": trainer.optimizer.state_dict(),
            "schedule": trainer.schedule.state_dict(),
            "scaler": trainer.scaler.state_dict() if trainer.scaler else None,
            "randomness": self.randomness.state_dict(),
            "facts": json.dumps(asdict(self.facts)) if self.facts else None,
            "reports": "\n".join(self._told),
        }

    def _restored(self) -> Facts | None:
        """Take up where this trial's last checkpoint is; None when there is none of this trial."""
        hand_round = self.group.hand_round if self.group.size > 1 else None
        state = self.checkpoints.read(self.device, hand_round=hand_round) if self._goes_on else None
        if state is None or state["identity"] != self._identity():
            return None
        trainer = self.trainer
        trainer.model.load_state_dict(state["model"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.schedule.load_state_dict(state["schedule"])
        if trainer.scaler is not None and state["scaler"] is not None:
            trainer.scaler.load_state_dict(state["scaler"])
        self.randomness.load_state_dict(state["randomness"])
        self.epoch = state["epoch"]
        self.best = tuple(state["best"]) if state["best"] else None
        self._told = state["reports"].splitlines()
        reports = (self._decoded(told) for told in self._told)
        self._stored.extend(report for report in reports if report.epoch.epoch > self.assignment.after_epoch)
        return Facts(**json.loads(state["facts"]))

    def _decoded(self, told: str) -> Report:
        epoch, metrics, seconds, finished, *waited = json.loads(told)
        measured = EpochMetrics(epoch, decode_metrics(metrics), seconds, *waited)
        return Report(self.assignment.trial, self.assignment.attempt, measured, finished)

    @property
    def _goes_on(self) -> bool:
        return self.assignment.attempt > 1 or self.assignment.after_epoch > 0

    def _identity(self) -> str:
        """What has to be the same for a checkpoint to belong to this trial."""
        return json.dumps([dict(self.assignment.config), self.assignment.seed], sort_keys=True, default=str)


def _encoded(report: Report) -> str:
    epoch = report.epoch
    return json.dumps([epoch.epoch, encode_metrics(epoch.metrics), epoch.seconds, report.finished, epoch.data_seconds])
