"""A classifier on the encoder of an autoencoder: pre-trained on images without labels, fine-tuned on few with them.

Its encoder has the names and shapes of that of `cnn_autoencoder` or `mlp_autoencoder` with the same `depth` and `width`
below the code, so `weights: RUN` of one fits; the code itself, which was to be short, is left out.
"""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from tuner.training.models import coders, dense, layers
from tuner.training.task_info import TaskInfo


class EncoderClassifier(nn.Module):
    """Inputs -> outputs [N, classes]."""

    def __init__(self, encoder: nn.Sequential, head: nn.Sequential) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.encoder(x))
        return found

    def stages(self) -> list[nn.Module]:
        """What is frozen or drawn anew as one, the head last."""
        return [self.encoder, self.head]


def build(
    task: TaskInfo,
    body: str = "cnn",
    depth: int = 2,
    width: int = 16,
    dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    """`dropout`: before the head. Raises InputError where the images are too small for the depth."""
    given = depth, width, 0.0, activation, normalisation
    if body == "mlp":
        encoder, features = coders.mlp_encoder(task, 1, *given), width if depth else prod(task.input_shape)
    else:
        dense.check("encoder_classifier", task, depth)
        encoder = coders.cnn_encoder(task, 1, *given)
        last = encoder[-1]
        assert isinstance(last, nn.Linear)
        features = last.in_features
    return EncoderClassifier(encoder[:-1], nn.Sequential(*layers.dropout(dropout), nn.Linear(features, task.outputs)))
