"""A convolutional network over the steps of a sequence: each block sees twice as far as the one before.

It sees further by dilation (every step keeps its place, as in van den Oord et al. 2016, but looking both ways) or by a
stride of 2 (half as many steps after each block).
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.models import layers
from tuner.training.models.sequences import answers_each_step, check_sequence
from tuner.training.task_info import TaskInfo


def build(
    task: TaskInfo,
    blocks: int = 4,
    width: int = 32,
    kernel: int = 3,
    reach: str = "dilation",
    pooling: str = "average",
    dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    check_sequence(task, "cnn1d")
    if answers_each_step(task):
        cure = "it looks both ways, and would see the token that it has to predict: take rnn or transformer"
        raise InputError("a network that looks ahead", (Fault("model", "cnn1d", cure),))
    made: list[nn.Module] = [StepsLast()]
    steps, channels = task.input_shape[0], task.input_shape[1] if not task.vocabulary else width
    if task.vocabulary:
        made.insert(0, nn.Embedding(task.vocabulary, width))
    hidden = layers.features_before(activation, width)
    for block in range(blocks):
        stride, dilation = (2, 1) if reach == "stride" else (1, 2**block)
        made += [
            nn.Conv1d(channels, hidden, kernel, stride, padding=dilation * (kernel - 1) // 2, dilation=dilation),
            # The group norms of images take any number of dimensions; layer norm over channels is one of one group.
            *layers.normalisation(normalisation, hidden, images=normalisation in ("layer", "group")),
            layers.activation(activation),
            *layers.dropout(dropout),
        ]
        channels = width
        steps = (steps + 2 * (dilation * (kernel - 1) // 2) - dilation * (kernel - 1) - 1) // stride + 1
        if steps < 1:
            cure = f"after {block + 1} blocks of kernel {kernel} no step is left: an odd kernel keeps them"
            raise InputError("a sequence too short", (Fault("kernel", kernel, cure),))
    pools = {"average": nn.AdaptiveAvgPool1d, "max": nn.AdaptiveMaxPool1d}
    if pooling in pools:
        made.append(pools[pooling](1))
        steps = 1
    return nn.Sequential(*made, nn.Flatten(), nn.Linear(channels * steps, task.outputs))


class StepsLast(nn.Module):
    """[N, steps, channels] -> [N, channels, steps]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)
