"""A multi-layer perceptron: `depth` hidden layers of `width` units, each normalised, activated and dropped out."""

from __future__ import annotations

from math import prod

from torch import nn

from tuner.training.models import layers
from tuner.training.task_info import TaskInfo


def build(
    task: TaskInfo,
    depth: int = 2,
    width: int = 128,
    dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    made: list[nn.Module] = [nn.Flatten()]
    features = prod(task.input_shape)
    hidden = layers.features_before(activation, width)
    for _ in range(depth):
        made += [
            nn.Linear(features, hidden),
            *layers.normalisation(normalisation, hidden, images=False),
            layers.activation(activation),
            *layers.dropout(dropout),
        ]
        features = width
    return nn.Sequential(*made, nn.Linear(features, task.outputs))
