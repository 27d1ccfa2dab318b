"""What a step descends, and what is reported.

The two differ on purpose: label smoothing and L1 change what is descended, while `train_loss` and `val_loss` are the
plain loss, so that curves of different trials, and of training and validation, can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate


class Objective:
    """`descended, plain = objective(outputs, targets)`, both means over the batch."""

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any],
        weights: list[nn.Parameter],
        *,
        label_smoothing: float = 0.0,
        l1: float = 0.0,
    ) -> None:
        if label_smoothing and name != "cross_entropy":
            cure = f"the loss {name} has none: set it to 0, or take cross_entropy"
            raise InputError("no label smoothing here", (Fault("label_smoothing", label_smoothing, cure),))
        self.plain: nn.Module = locate(CATALOGUE.family("loss")[name].where)(**arguments)
        self.smoothing, self.l1 = label_smoothing, l1
        self.penalised = [weight for weight in weights if weight.ndim > 1]  # not the biases

    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.smoothing:
            descended = functional.cross_entropy(outputs, targets, label_smoothing=self.smoothing)
            plain = self.plain(outputs.detach(), targets)
        else:
            descended = self.plain(outputs, targets)
            plain = descended.detach()
        if self.l1:
            descended = descended + self.l1 * torch.stack([w.abs().sum() for w in self.penalised]).sum()
        return descended, plain
