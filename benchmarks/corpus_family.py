"""What a family of the corpus is: a data set with a model, and what suits the two."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Data:
    """Inputs and targets; whole numbers are classes."""

    x: torch.Tensor
    y: torch.Tensor

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1 if self.y.dtype == torch.int64 else 0

    def take(self, rows: np.ndarray) -> Data:
        at = torch.as_tensor(rows)
        return Data(self.x[at], self.y[at])

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Family:
    """What suits this data set and model."""

    data: Callable[[], Data]
    build: Callable[[Data, int, int, float, str, str], nn.Module]
    """(data, width, depth, dropout, norm, activation) -> network."""
    sgd: float
    """Learning rate that suits SGD with momentum 0.9."""
    adam: float
    plenty: int
    """Training samples with which it generalises."""
    few: int
    """Training samples with which it overfits."""
    width: int
    depth: int = 1
    epochs: tuple[int, int] = (20, 300)
    """Of a whole run; it is cut later."""
    steps: int = 1200
    """Updates that a run may cost."""
    linear: bool = False
    recurrent: bool = False
    cannot: tuple[str, ...] = ()
    """Causes that this family cannot show, by its nature."""
    columns: tuple[tuple[int, ...], ...] = ()
    """Inputs that are kept where too few are given: what the input does not hold cannot be learnt."""


def standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / (x.std(0) + 1e-6)


def data_folder() -> Path:
    folder = os.environ.get("TUNER_DATA")
    if not folder:
        raise SystemExit("TUNER_DATA has to name a folder with Fashion-MNIST, California housing and seg_nuclei")
    return Path(folder)


def outputs(data: Data) -> int:
    return data.classes or 1
