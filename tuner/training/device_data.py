"""The examples as tensors on the worker's device: put there once, used by every trial of that worker."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy.typing as npt
import torch

from tuner.training.data import Splits, TaskInfo, raw

CHUNK_BYTES = 1 << 24
"""Shuffled examples are gathered in stretches of about this size: one gather for many steps, little memory."""
EVALUATED_NUMBERS = 1 << 18
"""Input numbers in one batch of an evaluation: some 300 images of 28×28, whose activations stay small."""
EVALUATED_TRAINING = 2000
"""Training examples measured in evaluation mode after an epoch, at most; never more than the validation split has."""


@dataclass(frozen=True, slots=True)
class DeviceData:
    """What one trial trains on. The tensors may lie in shared read-only memory: batches are copies, always."""

    task: TaskInfo
    train_x: torch.Tensor
    train_y: torch.Tensor
    val_x: torch.Tensor
    val_y: torch.Tensor

    @property
    def n_eval(self) -> int:
        """Training examples that are evaluated after each epoch; the split lies in random order, so: its first."""
        return min(len(self.train_y), len(self.val_y), EVALUATED_TRAINING)

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.train_x, self.train_y, self.val_x, self.val_y))

    def batch_sizes(self, batch_size: int) -> list[int]:
        """Of one epoch: every example once. A rest of one joins the batch before: batch norm cannot take it alone."""
        full, rest = divmod(len(self.train_y), batch_size)
        if rest == 1 and full:
            return [batch_size] * (full - 1) + [batch_size + 1]
        return [batch_size] * full + ([rest] if rest else [])

    def batches(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch in an order drawn from `generator`."""
        order = torch.randperm(len(self.train_y), generator=generator).to(self.train_x.device, non_blocking=True)
        sizes = self.batch_sizes(batch_size)
        bytes_each = self.train_x[0].numel() * self.train_x.element_size()
        together = max(1, CHUNK_BYTES // (bytes_each * batch_size))
        start = 0
        for first in range(0, len(sizes), together):
            chunk = sizes[first : first + together]
            rows = order[start : start + sum(chunk)]
            start += sum(chunk)
            x, y = self.train_x.index_select(0, rows), self.train_y.index_select(0, rows)
            yield from zip(torch.split(x, chunk), torch.split(y, chunk), strict=True)

    def train_sample(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return self._in_order(self.train_x[: self.n_eval], self.train_y[: self.n_eval])

    def validation(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return self._in_order(self.val_x, self.val_y)

    def _in_order(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        size = min(max(EVALUATED_NUMBERS // x[0].numel(), 64), 2048)
        for start in range(0, len(y), size):
            # A copy, since a model that changes its input in place would change the data of all, or crash.
            yield x[start : start + size].clone(), y[start : start + size]


class DeviceCache:
    """The splits of one sweep, standardised or raw, on one device."""

    def __init__(self, splits: Splits, device: torch.device) -> None:
        self._splits, self._device = splits, device
        self._made: dict[bool, DeviceData] = {}

    def get(self, *, standardise: bool) -> DeviceData:
        if standardise not in self._made:
            s = self._splits
            train_x, val_x = (s.train_x, s.val_x) if standardise else (raw(s.train_x, s), raw(s.val_x, s))
            tensors = (self._tensor(array) for array in (train_x, s.train_y, val_x, s.val_y))
            self._made[standardise] = DeviceData(s.task, *tensors)
        return self._made[standardise]

    def _tensor(self, array: npt.NDArray[object]) -> torch.Tensor:  # type: ignore[type-var]
        with warnings.catch_warnings():  # of memory that is not writable: nothing here writes to it
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array).to(self._device)
