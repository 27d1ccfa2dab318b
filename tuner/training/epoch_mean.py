"""The mean of a loss over an epoch, summed on the device: a step adds nothing to what the device has to do."""

from __future__ import annotations

import torch

TOGETHER = 1024
"""Steps whose losses are kept as they are; then they become one sum."""


class EpochMean:
    """Each value is a batch's mean, and weighs as many examples as the batch has. In double precision."""

    def __init__(self) -> None:
        self._values: list[torch.Tensor] = []
        self._counts: list[int] = []
        self._total: torch.Tensor | None = None
        self._examples = 0

    def add(self, value: torch.Tensor, count: int) -> None:
        self._values.append(value)
        self._counts.append(count)
        if len(self._values) == TOGETHER:
            self._fold()

    def value(self) -> torch.Tensor:
        """On the device; 0 / 0 without a batch."""
        self._fold()
        if self._total is None:
            return torch.tensor(float("nan"))
        return self._total / self._examples

    def _fold(self) -> None:
        if not self._values:
            return
        values = torch.stack(self._values).double()
        weights = torch.tensor(self._counts, dtype=torch.float64).to(values.device, non_blocking=True)
        total = values @ weights
        self._total = total if self._total is None else self._total + total
        self._examples += sum(self._counts)
        self._values, self._counts = [], []
