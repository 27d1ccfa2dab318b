"""Autoencoders: an encoder to a short code, and a decoder that makes the input again from it."""

from __future__ import annotations

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.models import coders, dense
from tuner.training.task_info import TaskInfo


class Autoencoder(nn.Module):
    """Inputs -> reconstructions of the same shape."""

    def __init__(self, encoder: nn.Sequential, decoder: nn.Module) -> None:
        """The encoder's last layer gives the code."""
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.decoder(self.encoder(x))
        return found


def mlp(
    task: TaskInfo,
    code: int = 16,
    depth: int = 1,
    width: int = 256,
    output: str = "sigmoid",
    dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    """`depth` hidden layers on either side of the code."""
    check("mlp_autoencoder", task)
    given = depth, width, dropout, activation, normalisation
    return Autoencoder(coders.mlp_encoder(task, code, *given), coders.mlp_decoder(task, code, output, *given))


def cnn(
    task: TaskInfo,
    code: int = 16,
    depth: int = 2,
    width: int = 16,
    up: str = "transposed",
    output: str = "sigmoid",
    spatial_dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    """`depth` strided convolutions, each halving the side and doubling the channels, and as many steps back."""
    check("cnn_autoencoder", task)
    dense.check("cnn_autoencoder", task, depth)
    given = depth, width, spatial_dropout, activation, normalisation
    return Autoencoder(coders.cnn_encoder(task, code, *given), coders.cnn_decoder(task, code, up, output, *given))


def check(model: str, task: TaskInfo) -> None:
    """Raises InputError for a task whose examples are not to be made again."""
    if task.kind != "itself":
        cure = f"{task.name} has targets of its own ({task.kind}): take a task such as fashion_autoencoder"
        raise InputError(f"{model} makes its input again", (Fault("model", model, cure),))
