"""The sides of throughput.py: one network on the same tensors, trained as each of four kinds of code would train it.

ours        the trainer's own path: a worker opens a trial, and its `Session` trains
by hand     a loop over tensors in memory, as a careful person writes it: randperm, index_select, the fused AdamW, the
            gradients set to None, the loss summed without a wait; it looks at no gradient norm
DataLoader  the same loop over a DataLoader that fetches whole batches (a BatchSampler as its sampler), which is its
            fast way: fetching example by example is several times slower
Lightning   its Trainer on that DataLoader: no logger, checkpoints, progress bar, summary or validation while it trains,
            and only the training is timed, not the set-up of a fit

All sum the training loss and fetch it once an epoch.
"""

from __future__ import annotations

import logging
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from tuner.records.epochs import Assignment
from tuner.training.building import build_model, choose_device
from tuner.training.data import Splits
from tuner.training.device_data import DeviceCache
from tuner.training.plan import TrainingPlan
from tuner.training.session import Session
from tuner.training.settings import read_settings
from tuner.training.task_info import TaskInfo
from tuner.training.tasks.examples import Examples, Task
from tuner.training.worker import TrialWorker

LR = 1e-3
EVALUATED = 1024
"""Examples a batch when the peers evaluate; ours chooses by itself."""


@dataclass(frozen=True)
class Took:
    """Seconds of this process's CPU, and by the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Tensors:
    """What all sides train on."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    val_x: torch.Tensor
    val_y: torch.Tensor


class Watch:
    """Reads both clocks; on a GPU only when all that was asked for is done."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.started = Took(0.0, 0.0)

    def now(self) -> Took:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        return Took(time.process_time(), time.perf_counter())

    def start(self) -> None:
        self.started = self.now()

    def took(self) -> Took:
        now = self.now()
        return Took(now.cpu - self.started.cpu, now.wall - self.started.wall)


class Side(ABC):
    """Trains `epochs` epochs, evaluates the validation split; says what that took."""

    name: str

    def __init__(self, device: torch.device) -> None:
        self.watch = Watch(device)

    @abstractmethod
    def train(self, epochs: int) -> Took: ...

    @abstractmethod
    def evaluate(self) -> Took: ...


class Ours(Side):
    """`train`: what an epoch of a trial does to train: the order, the gathers, the steps, the sums, a look at the
    gradient's norm every eighth step, and the one transfer of them. Not: evaluation, checkpoint, report."""

    name = "ours"

    def __init__(self, plan: TrainingPlan, splits: Splits, config: Mapping[str, Any]) -> None:
        super().__init__(choose_device(plan.gpu))
        worker = TrialWorker(plan, splits)
        worker.open(Assignment("0000", 1, config, 0, plan.max_epochs))
        assert isinstance(worker._session, Session), worker.step()
        self.session = worker._session

    def train(self, epochs: int) -> Took:
        session = self.session
        self.watch.start()
        for _ in range(epochs):
            with session.randomness.lent():
                measured = session.trainer.train_epoch(session.data, session.randomness.data)
            torch.stack([value.float() for value in measured.values()]).tolist()
        return self.watch.took()

    def evaluate(self) -> Took:
        self.watch.start()
        torch.stack(list(self.session.trainer.evaluate(self.session.data.validation()).values())).tolist()
        return self.watch.took()

    def whole(self) -> Took:
        """The next epoch of the trial with all of it: evaluation of both splits, checkpoint, report."""
        self.watch.start()
        self.session.next_report()
        return self.watch.took()


class Plain(Side):
    """What the two loops written by hand have in common."""

    def __init__(self, model: nn.Module, tensors: Tensors, batch_size: int, amp: torch.dtype | None) -> None:
        device = tensors.train_x.device
        super().__init__(device)
        self.model, self.tensors, self.batch_size, self.device, self.amp = model, tensors, batch_size, device, amp
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)

    @abstractmethod
    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]: ...

    @abstractmethod
    def evaluated(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]: ...

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.amp is None:
            return functional.cross_entropy(self.model(x), y)
        with torch.autocast(self.device.type, self.amp):
            return functional.cross_entropy(self.model(x), y)

    def train(self, epochs: int) -> Took:
        self.watch.start()
        for _ in range(epochs):
            self.model.train()
            total = torch.zeros((), device=self.device)
            for x, y in self.batches():
                self.optimizer.zero_grad(set_to_none=True)
                loss = self.loss(x, y)
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(y)
            total.item()
        return self.watch.took()

    def evaluate(self) -> Took:
        self.watch.start()
        self.model.eval()
        with torch.inference_mode():
            total = torch.zeros((), device=self.device)
            right = torch.zeros((), device=self.device)
            for x, y in self.evaluated():
                outputs = self.model(x)
                total += functional.cross_entropy(outputs, y, reduction="sum")
                right += (outputs.argmax(1) == y).sum()
            torch.stack([total, right]).tolist()
        return self.watch.took()


class ByHand(Plain):
    name = "by hand"

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        x, y = self.tensors.train_x, self.tensors.train_y
        order = torch.randperm(len(y), device=self.device)
        for start in range(0, len(y), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield x.index_select(0, rows), y.index_select(0, rows)

    def evaluated(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        x, y = self.tensors.val_x, self.tensors.val_y
        return zip(x.split(EVALUATED), y.split(EVALUATED), strict=True)


def loaders(tensors: Tensors, batch_size: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Training and validation, whole batches at a time: the dataset is indexed with a list of rows."""
    train = TensorDataset(tensors.train_x, tensors.train_y)
    val = TensorDataset(tensors.val_x, tensors.val_y)
    return (
        DataLoader(train, sampler=BatchSampler(RandomSampler(train), batch_size, drop_last=False), batch_size=None),
        DataLoader(val, sampler=BatchSampler(SequentialSampler(val), EVALUATED, drop_last=False), batch_size=None),
    )


class ByDataLoader(Plain):
    name = "DataLoader"

    def __init__(self, model: nn.Module, tensors: Tensors, batch_size: int, amp: torch.dtype | None) -> None:
        super().__init__(model, tensors, batch_size, amp)
        self.loader, self.val_loader = loaders(tensors, batch_size)

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.loader)

    def evaluated(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.val_loader)


class ByLightning(Side):
    name = "Lightning"

    def __init__(self, model: nn.Module, tensors: Tensors, batch_size: int, amp: torch.dtype | None) -> None:
        super().__init__(tensors.train_x.device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lightning
        for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
            logging.getLogger(name).setLevel(logging.ERROR)
        device, side = tensors.train_x.device, self

        class Module(lightning.LightningModule):
            """As its tutorials have it, but the loss is summed by hand: `self.log` at each step costs more."""

            def __init__(self) -> None:
                super().__init__()
                self.model = model
                self.total = torch.zeros((), device=device)
                self.right = torch.zeros((), device=device)
                self.optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return self.optimizer  # the same in every fit: its state is not made anew

            def training_step(self, batch: Any, _: int) -> torch.Tensor:
                x, y = batch
                loss = functional.cross_entropy(self.model(x), y)
                self.total += loss.detach() * len(y)
                return loss

            def validation_step(self, batch: Any, _: int) -> None:
                x, y = batch
                outputs = self.model(x)
                self.total += functional.cross_entropy(outputs, y, reduction="sum")
                self.right += (outputs.argmax(1) == y).sum()

            def on_train_start(self) -> None:
                side.watch.start()

            def on_train_epoch_end(self) -> None:
                self.total.item()
                self.total.zero_()

            def on_train_end(self) -> None:
                side.last = side.watch.took()

            def on_validation_start(self) -> None:
                side.watch.start()

            def on_validation_end(self) -> None:
                torch.stack([self.total, self.right]).tolist()
                self.total.zero_()
                self.right.zero_()
                side.last = side.watch.took()

        self.last = Took(0.0, 0.0)
        self.module = Module()
        self.loader, self.val_loader = loaders(tensors, batch_size)
        self.trainer: Callable[..., Any] = lambda epochs: lightning.Trainer(
            max_epochs=epochs,
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            precision="32-true" if amp is None else "bf16-mixed",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=0 if epochs else 1.0,
        )

    def train(self, epochs: int) -> Took:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few workers and of no validation: both are meant
            self.trainer(epochs).fit(self.module, self.loader)
        return self.last

    def evaluate(self) -> Took:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.trainer(0).validate(self.module, self.val_loader, verbose=False)
        return self.last


SIDES: dict[str, type[Side]] = {side.name: side for side in (Ours, ByHand, ByDataLoader, ByLightning)}


def serve(name: str, pipe: Connection) -> None:
    """A side's process: prepares what it is told to, and trains when it is asked."""
    torch.set_num_threads(1)
    side: Any = None
    while True:
        try:
            what, *arguments = pipe.recv()
        except EOFError:
            return
        if what == "prepare":
            side = None
            side = prepared(name, *arguments)
            splits = arguments[1]
            side.train(1)  # the first steps allocate
            side.evaluate()
            pipe.send({"n_train": splits.task.n_train, "n_val": len(splits.val_y)})
        elif what == "utilisation":
            pipe.send(utilisation())
        else:
            pipe.send(getattr(side, what)(*arguments))


def prepared(name: str, plan: TrainingPlan, splits: Splits, config: Mapping[str, Any]) -> Side:
    """All sides start from the same kind of network; ours builds its own."""
    if name == "ours":
        return Ours(plan, splits, config)
    device = choose_device(plan.gpu)
    data = DeviceCache(splits, device).get(standardise=True)
    tensors = Tensors(data.train_x, data.train_y, data.val_x, data.val_y)
    model = build_model(read_settings(plan.settings(config), plan.model), data.task, plan.folder).to(device)
    peer: Any = SIDES[name]
    made: Side = peer(model, tensors, config["batch_size"], torch.bfloat16 if config["amp"] == "bf16" else None)
    return made


def utilisation() -> float:
    """Per cent of the last second or so in which the GPU computed; −1 where torch cannot ask: it needs nvidia-ml-py."""
    try:
        return float(torch.cuda.utilization())
    except (ModuleNotFoundError, RuntimeError):
        return -1.0


class RandomGarments(Task):
    """Random pixels, as large as Fashion-MNIST's."""

    name = "random_garments"
    split = (5 / 6, 1 / 6, 0.0)

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002  (needs no files)
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (8000, 1, 28, 28), np.uint8)
        return Examples(x, rng.integers(0, 10, 8000))


def resnet18(task: TaskInfo) -> nn.Module:
    """torchvision's, for small images of any number of channels."""
    model: Any = torchvision.models.resnet18(num_classes=task.num_classes)
    model.conv1 = nn.Conv2d(task.input_shape[0], 64, 3, stride=2, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model
