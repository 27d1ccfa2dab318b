"""Data, loss and metrics of one's own: `tuner run examples/own_task.yaml --address none`."""

from __future__ import annotations

import numpy as np
import torch

N_TRAIN, N_VAL = 2000, 1000


def right(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """One value for each example; a mean over the batch would do as well."""
    return (outputs.argmax(1) == targets).float()


def brier(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The squared error of the probability of leaving."""
    return (outputs.softmax(1)[:, 1] - targets) ** 2


class Churn:
    """Which customers leave: one in three, by six numbers of which four matter. Made up, so nothing is downloaded."""

    outputs = 2
    loss = "cross_entropy"
    metrics = {"accuracy": right, "brier": brier}  # noqa: RUF012
    """Each is called with (outputs, targets) of a batch; reported as train_NAME and val_NAME."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(0)
        self.x = drawn.normal(size=(N_TRAIN + N_VAL, 6)).astype(np.float32)
        months, calls, price, discount = self.x[:, :4].T
        leaning = 6 * calls * (price > 0) - 5 * months - 4 * discount**2
        leaning += drawn.logistic(size=len(leaning))
        self.y = (leaning > np.quantile(leaning, 2 / 3)).astype(np.int64)

    def train(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x[:N_TRAIN], self.y[:N_TRAIN]

    def val(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x[N_TRAIN:], self.y[N_TRAIN:]
