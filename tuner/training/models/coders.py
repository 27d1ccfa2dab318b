"""The halves of an autoencoder: encoders to a short code, decoders back to the shape of the input."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from tuner.training.models import dense, layers
from tuner.training.task_info import TaskInfo


class ConvolutionalDecoder(nn.Module):
    """Codes [N, code] -> images of the task's shape, doubling the side step by step."""

    def __init__(self, first: nn.Module, steps: list[nn.Module], sizes: list[tuple[int, int]], last: nn.Module) -> None:
        """`first` gives an image of the smallest size; `steps` alternate between an `Up` and what comes after it, and
        `sizes` are what the `Up` are asked for."""
        super().__init__()
        self.first, self.steps, self.last, self.sizes = first, nn.ModuleList(steps), last, sizes

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        x = self.first(code)
        for number, size in enumerate(self.sizes):
            x = self.steps[2 * number + 1](self.steps[2 * number](x, size))
        found: torch.Tensor = self.last(x)
        return found


def mlp_encoder(
    task: TaskInfo, code: int, depth: int, width: int, dropout: float, activation: str, normalisation: str
) -> nn.Sequential:
    hidden = layers.connected(prod(task.input_shape), depth, width, dropout, activation, normalisation)
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width if depth else prod(task.input_shape), code))


def mlp_decoder(
    task: TaskInfo, code: int, output: str, depth: int, width: int, dropout: float, activation: str, normalisation: str
) -> nn.Sequential:
    hidden = layers.connected(code, depth, width, dropout, activation, normalisation)
    last = nn.Linear(width if depth else code, prod(task.input_shape))
    return nn.Sequential(*hidden, last, nn.Unflatten(1, task.input_shape), *_output(output))


def cnn_encoder(
    task: TaskInfo, code: int, blocks: int, width: int, spatial_dropout: float, activation: str, normalisation: str
) -> nn.Sequential:
    """Convolutions of stride 2: each halves the side, rounded up, and doubles the channels."""
    made: list[nn.Module] = []
    channels = task.input_shape[0]
    for level in range(blocks):
        out = width * 2**level
        made += [
            nn.Conv2d(channels, layers.features_before(activation, out), 3, stride=2, padding=1),
            *_after(out, spatial_dropout, activation, normalisation),
        ]
        channels = out
    height, side = _sizes(task, blocks)[-1]
    return nn.Sequential(*made, nn.Flatten(), nn.Linear(channels * height * side, code))


def cnn_decoder(
    task: TaskInfo,
    code: int,
    up: str,
    output: str,
    blocks: int,
    width: int,
    spatial_dropout: float,
    activation: str,
    normalisation: str,
) -> nn.Module:
    """The encoder's way back; `up`: how a side is doubled."""
    sizes = _sizes(task, blocks)
    channels = width * 2 ** (blocks - 1)
    hidden = layers.features_before(activation, channels)  # maxout takes the larger of two channels
    first = nn.Sequential(
        nn.Linear(code, hidden * prod(sizes[-1])), nn.Unflatten(1, (hidden, *sizes[-1])), layers.activation(activation)
    )
    steps: list[nn.Module] = []
    for level in reversed(range(blocks)):
        out = width * 2 ** max(level - 1, 0)
        after = _after(out, spatial_dropout if level else 0.0, activation, normalisation)
        steps += [dense.Up(up, channels, layers.features_before(activation, out)), nn.Sequential(*after)]
        channels = out
    last = nn.Sequential(nn.Conv2d(channels, task.outputs, 3, padding=1), *_output(output))
    return ConvolutionalDecoder(first, steps, sizes[-2::-1], last)


def _after(out: int, spatial_dropout: float, activation: str, normalisation: str) -> list[nn.Module]:
    dropped = [nn.Dropout2d(spatial_dropout)] if spatial_dropout > 0 else []
    hidden = layers.features_before(activation, out)
    return [*layers.normalisation(normalisation, hidden, images=True), layers.activation(activation), *dropped]


def _output(name: str) -> list[nn.Module]:
    return [nn.Sigmoid()] if name == "sigmoid" else []


def _sizes(task: TaskInfo, blocks: int) -> list[tuple[int, int]]:
    """(height, width) before the first halving, and after each: 28, 14, 7, 4."""
    height, width = task.input_shape[1:]
    found = [(height, width)]
    for _ in range(blocks):
        height, width = (height + 1) // 2, (width + 1) // 2
        found.append((height, width))
    return found
