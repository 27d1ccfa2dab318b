"""Mixup: a network learns between two examples what lies between their targets (Zhang et al. 2018)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from tuner.errors import Fault, InputError


class Mixed(NamedTuple):
    """Targets of a batch whose inputs are share · x + (1 − share) · x[partner]."""

    first: torch.Tensor
    """Class numbers [N]."""
    second: torch.Tensor
    """Those of the partners."""
    share: float

    def entropy(self) -> torch.Tensor:
        """Of each example's target [N], in nats: 0 where both are of one class. No output has a smaller
        cross-entropy."""
        p = self.share
        whole = 0.0 if p in (0.0, 1.0) else -p * math.log(p) - (1 - p) * math.log(1 - p)
        return (self.first != self.second) * whole


class Mixup:
    """`x, y = mixup(x, y, generator)`; one share for a batch, drawn from Beta(alpha, alpha), as the paper's code has
    it."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, x: torch.Tensor, y: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, Mixed]:
        """Draws from `generator` alone."""
        seed = int(torch.randint(2**62, (), generator=generator))
        share = float(np.random.default_rng(seed).beta(self.alpha, self.alpha))
        partner = torch.randperm(len(y), generator=generator).to(y.device, non_blocking=True)
        return torch.lerp(x[partner], x, share), Mixed(y, y[partner], share)


def check_mixup(alpha: float, kind: str, loss: object, vocabulary: int) -> None:
    """Raises InputError where targets cannot be mixed."""
    if alpha and (kind != "classes" or loss != "cross_entropy" or vocabulary):
        cure = "it mixes classes under cross_entropy, and inputs that are numbers: set it to 0"
        raise InputError("no mixup here", (Fault("mixup", alpha, cure),))
