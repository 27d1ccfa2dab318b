"""A convolutional network: blocks of 3×3 convolutions, each halving the side and doubling the channels, then a head."""

from __future__ import annotations

from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.models import layers
from tuner.training.models.attention import attention as attend
from tuner.training.task_info import TaskInfo


def build(
    task: TaskInfo,
    blocks: int = 2,
    width: int = 32,
    convolutions: int = 1,
    pooling: str = "max",
    head: int = 128,
    dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    attention: str = "none",
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    if len(task.input_shape) != 3:
        cure = f"the examples of {task.name} are no images: take softmax or mlp"
        raise InputError("a cnn needs images", (Fault("model", "cnn", cure),))
    channels, height, side = task.input_shape
    made: list[nn.Module] = []
    for block in range(blocks):
        out = width * 2**block
        halves = min(height, side) >= 4  # two pixels stay, or instance normalisation has nothing to average
        for index in range(convolutions):
            stride = 2 if halves and pooling == "stride" and index == convolutions - 1 else 1
            hidden = layers.features_before(activation, out)
            made += [
                nn.Conv2d(channels, hidden, 3, stride, padding=1),
                *layers.normalisation(normalisation, hidden, images=True),
                layers.activation(activation),
            ]
            channels = out
        made += attend(attention, out)
        if halves and pooling != "stride":
            made.append(nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2))
        if halves:
            height, side = ((n + 1) // 2 if pooling == "stride" else n // 2 for n in (height, side))
        if spatial_dropout > 0:
            made.append(nn.Dropout2d(spatial_dropout))
    made.append(nn.Flatten())
    features = channels * height * side
    if head > 0:
        hidden = layers.features_before(activation, head)
        made += [nn.Linear(features, hidden), layers.activation(activation), *layers.dropout(dropout)]
        features = head
    else:
        made += layers.dropout(dropout)
    return nn.Sequential(*made, nn.Linear(features, task.outputs))
