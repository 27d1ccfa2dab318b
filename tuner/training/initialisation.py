"""How weights start, by name: applied to every linear and convolutional layer, whoever built the model; biases to 0."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import init

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def small_normal(weight: torch.Tensor) -> None:
    init.normal_(weight, std=0.01)


def lecun(weight: torch.Tensor) -> None:
    fan_in, _ = init._calculate_fan_in_and_fan_out(weight)
    init.normal_(weight, std=1 / math.sqrt(fan_in))


def xavier(weight: torch.Tensor) -> None:
    init.xavier_uniform_(weight)


def he(weight: torch.Tensor) -> None:
    init.kaiming_normal_(weight)


def zero(weight: torch.Tensor) -> None:
    init.zeros_(weight)


WAYS: dict[str, Callable[[torch.Tensor], None]] = {
    "small_normal": small_normal,
    "lecun": lecun,
    "xavier": xavier,
    "he": he,
    "zero": zero,
}


def initialise(model: nn.Module, name: str) -> None:
    """`default` leaves the model as its layers made themselves."""
    if name == "default":
        return
    way = WAYS[name]
    for layer in model.modules():
        if isinstance(layer, LAYERS):
            way(layer.weight)
            if layer.bias is not None:
                init.zeros_(layer.bias)
