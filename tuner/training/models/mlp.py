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
    features = prod(task.input_shape)
    made = layers.connected(features, depth, width, dropout, activation, normalisation)
    return nn.Sequential(nn.Flatten(), *made, nn.Linear(width if depth else features, task.outputs))
