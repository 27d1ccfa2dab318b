"""Softmax regression: one linear layer on the pixels, the floor that every other model should beat."""

from __future__ import annotations

from math import prod

from torch import nn

from tuner.training.task_info import TaskInfo


def build(task: TaskInfo) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(task.input_shape), task.outputs))
