"""A network of one's own, on a task of the catalogue: `tuner run examples/own_model.yaml --address none`."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def build(task: Any, width: int, blocks: int, dropout: float = 0.0) -> nn.Module:
    """`task` says what comes in and goes out; the rest is what the sweep file names and the trainer does not claim."""
    features = 1
    for side in task.input_shape:
        features *= side
    body = [Block(width, dropout) for _ in range(blocks)]
    return nn.Sequential(nn.Flatten(), nn.Linear(features, width), *body, nn.Linear(width, task.outputs))
