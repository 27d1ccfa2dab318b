"""What a trial trains on, wherever its batches come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch

from tuner.training.forms import InputForm
from tuner.training.target_scale import TargetScale
from tuner.training.task_info import TaskInfo


class TrialData(Protocol):
    """`device_data.DeviceData` for examples that are all on the device, `loader_data.LoaderData` for the user's own.

    A batch is (x, y), both on the device; y is None where only the task's own `step` knows what x is.
    """

    @property
    def task(self) -> TaskInfo: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def scale(self) -> TargetScale | None: ...
    @property
    def inputs(self) -> InputForm:
        """How a raw example becomes what the network is fed with."""
        ...

    @property
    def data_hash(self) -> str: ...
    @property
    def n_val(self) -> int: ...
    @property
    def n_eval(self) -> int:
        """Training examples in `train_sample`."""
        ...

    @property
    def nbytes(self) -> int:
        """What it holds on the device."""
        ...

    def baseline(self, loss: str) -> float | None:
        """The loss of the best constant outputs; None where nobody knows."""
        ...

    def batch_sizes(self, batch_size: int) -> list[int]:
        """Of one epoch's batches."""
        ...

    def batches(self, batch_size: int, generator: torch.Generator) -> Iterator[Any]:
        """One epoch in an order drawn from `generator`."""
        ...

    def train_sample(self) -> Iterator[Any]: ...
    def validation(self) -> Iterator[Any]: ...
