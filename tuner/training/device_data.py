"""The examples as tensors on the worker's device: put there once, used by every trial of that worker.

Where a GPU has no room for them they stay in the host's memory, and each stretch of shuffled examples is gathered into
pinned memory and copied from there while the GPU computes. The batches are the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

from tuner.training.baselines import baseline_loss
from tuner.training.data import Splits
from tuner.training.division import batch_sizes
from tuner.training.forms import InputForm
from tuner.training.target_scale import TargetScale, target_scale
from tuner.training.task_info import TaskInfo
from tuner.training.tasks.examples import Array

CHUNK_BYTES = 1 << 24
"""Shuffled examples are gathered in stretches of about this size: one gather for many steps, little memory."""
EVALUATED_NUMBERS = 1 << 18
"""Input numbers in one batch of an evaluation: some 300 images of 28×28, whose activations stay small."""
EVALUATED_LOGITS = 1 << 21
"""Output numbers in one batch of an evaluation of tokens: 8 MB."""
EVALUATED_TRAINING = 2000
"""Training examples measured in evaluation mode after an epoch, at most; never more than the validation split has."""
ROOM = 0.4
"""Share of a GPU's free memory that the examples may take, so that their raw and their standardised form fit both."""

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class DeviceData:
    """What one trial trains on. The tensors may lie in shared read-only memory: batches are copies, always."""

    task: TaskInfo
    train_x: torch.Tensor
    train_y: torch.Tensor
    """On the trial's scale; `train_x` itself where examples are their own targets."""
    val_x: torch.Tensor
    val_y: torch.Tensor
    scale: TargetScale | None
    """How targets were scaled; None: not at all."""
    data_hash: str
    inputs: InputForm
    streams_to: torch.device | None = None
    """The trial's device, where the examples stay in the host's memory."""
    _baselines: dict[str, float | None] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        return self.streams_to or self.train_x.device

    @property
    def n_val(self) -> int:
        return len(self.val_x)

    @property
    def n_eval(self) -> int:
        """Training examples that are evaluated after each epoch; the split lies in random order, so: its first."""
        return min(len(self.train_x), len(self.val_x), EVALUATED_TRAINING)

    @property
    def nbytes(self) -> int:
        """What the examples take on the device; of those that stream, one stretch."""
        if self.streams_to is not None:
            return CHUNK_BYTES
        tensors = {tensor.data_ptr(): tensor for tensor in (self.train_x, self.train_y, self.val_x, self.val_y)}
        return sum(tensor.nbytes for tensor in tensors.values())

    def baseline(self, loss: str) -> float | None:
        """What the best constant outputs would cost, on the trial's scale."""
        if loss not in self._baselines:
            self._baselines[loss] = baseline_loss(loss, self.task.kind, self.train_y)
        return self._baselines[loss]

    def batch_sizes(self, batch_size: int) -> list[int]:
        return batch_sizes(len(self.train_x), batch_size)

    def batches(self, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
        """One epoch in an order drawn from `generator`."""
        order = torch.randperm(len(self.train_x), generator=generator).to(self.train_x.device, non_blocking=True)
        sizes = self.batch_sizes(batch_size)
        bytes_each = self.train_x[0].numel() * self.train_x.element_size()
        together = max(1, CHUNK_BYTES // (bytes_each * batch_size))
        start = 0
        for first in range(0, len(sizes), together):
            chunk = sizes[first : first + together]
            rows = order[start : start + sum(chunk)]
            start += sum(chunk)
            x = self._gathered(self.train_x, rows)
            # Its own copy where inputs are targets, or a model that changes its input would change them.
            y = x.clone() if self.train_y is self.train_x else self._gathered(self.train_y, rows)
            yield from zip(torch.split(x, chunk), torch.split(y, chunk), strict=True)

    def _gathered(self, examples: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        if self.streams_to is None:
            return examples.index_select(0, rows)
        # Torch keeps the pinned block from being used again before the copy is done.
        shape, pinned = (len(rows), *examples.shape[1:]), self.streams_to.type == "cuda"
        staged = torch.empty(shape, dtype=examples.dtype, pin_memory=pinned)
        torch.index_select(examples, 0, rows, out=staged)
        return staged.to(self.streams_to, non_blocking=True)

    def train_sample(self) -> Iterator[Batch]:
        return self.in_order(self.train_x[: self.n_eval], self.train_y[: self.n_eval])

    def validation(self) -> Iterator[Batch]:
        return self.in_order(self.val_x, self.val_y)

    def in_order(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[Batch]:
        """Examples of this task's in batches for an evaluation."""
        size = min(max(EVALUATED_NUMBERS // x[0].numel(), 64), 2048)
        if self.task.kind == "tokens":  # its outputs are `outputs` times as many numbers as its inputs
            size = max(min(size, EVALUATED_LOGITS // (x[0].numel() * self.task.outputs)), 1)
        for start in range(0, len(y), size):
            # A copy, since a model that changes its input in place would change the data of all, or crash.
            some, wanted = x[start : start + size], y[start : start + size]
            if self.streams_to is None or self.streams_to == x.device:
                yield some.clone(), wanted
            else:
                yield some.to(self.streams_to), wanted.to(self.streams_to)


class DeviceCache:
    """The splits of one sweep, on one device, in each of the forms that trials ask for."""

    def __init__(self, splits: Splits, device: torch.device, room: int | None = None) -> None:
        """`room`: bytes that one form of the examples may take there, as `room_on` has it; None: any number."""
        self._splits, self.device = splits, device
        streams = room is not None and _nbytes(splits) > room
        self._streams_to = device if streams else None
        self._home = torch.device("cpu") if streams else device
        self._inputs: dict[bool, tuple[torch.Tensor, torch.Tensor]] = {}
        self._targets: dict[str, tuple[torch.Tensor, torch.Tensor, TargetScale | None]] = {}
        self._made: dict[tuple[bool, str], DeviceData] = {}

    def get(self, *, standardise: bool | None = None, targets: str = "raw") -> DeviceData:
        """`standardise` None: as the task has it; `targets`: `target_scale.SCALES`. Raises InputError for a form that
        this data cannot have."""
        form = self._splits.standardised if standardise is None else standardise
        if (form, targets) not in self._made:
            s = self._splits
            if form not in self._inputs:
                train, val = (s.inputs(array, standardise=form) for array in (s.train_x, s.val_x))
                self._inputs[form] = self._tensor(train), self._tensor(val)
            train_x, val_x = self._inputs[form]
            train_y, val_y, scale = train_x, val_x, None
            if s.train_y is None or s.val_y is None:
                scale = target_scale(targets, s.task.kind, None)
            else:
                train_y, val_y, scale = self._scaled(targets, s.train_y, s.val_y)
            self._made[form, targets] = DeviceData(
                s.task,
                train_x,
                train_y,
                val_x,
                val_y,
                scale,
                s.data_hash,
                s.form(standardise=form),
                self._streams_to,
            )
        return self._made[form, targets]

    def _scaled(self, name: str, train: Array, val: Array) -> tuple[torch.Tensor, torch.Tensor, TargetScale | None]:
        if name not in self._targets:
            train_y, val_y = self._tensor(train), self._tensor(val)
            scale = target_scale(name, self._splits.task.kind, train_y)
            if scale is not None:
                train_y, val_y = scale.scale(train_y), scale.scale(val_y)
                # From now on it meets outputs, which are on the device wherever the examples stay.
                scale = replace(scale, mean=scale.mean.to(self.device), deviation=scale.deviation.to(self.device))
            self._targets[name] = train_y, val_y, scale
        return self._targets[name]

    def _tensor(self, array: Array) -> torch.Tensor:
        with warnings.catch_warnings():  # of memory that is not writable: nothing here writes to it
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self._home)


def room_on(device: torch.device, share: float) -> int | None:
    """Bytes for the examples of a worker with this share of a GPU; None on a CPU, where they stay in memory that all
    workers of a node share."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return int(ROOM * min(share, 1.0) * free)


def _nbytes(splits: Splits) -> int:
    """Of one form of the examples."""
    arrays = {id(array): array for array in (splits.train_x, splits.train_y, splits.val_x, splits.val_y)}
    return sum(array.nbytes for array in arrays.values() if array is not None)
