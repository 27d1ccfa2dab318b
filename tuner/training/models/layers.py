"""Layers that the models choose by name: activations are torch's own, normalisations depend on what they follow."""

from __future__ import annotations

from math import gcd

import torch
from torch import nn

from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate


class Maxout(nn.Module):
    """The larger of two features; the layer before it makes twice as many (Goodfellow et al. 2013)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=1)
        return torch.maximum(first, second)


def activation(name: str) -> nn.Module:
    """A new module; PReLU and its kind hold weights, so none is shared."""
    made: nn.Module = locate(CATALOGUE.family("activation")[name].where)()
    return made


def features_before(name: str, width: int) -> int:
    """How many features the layer before the activation has to make for `width` after it."""
    return 2 * width if name == "maxout" else width


def normalisation(name: str, width: int, *, images: bool) -> list[nn.Module]:
    """For `width` channels of images, or as many features; an empty list for `none`."""
    if name == "none":
        return []
    if name == "batch":
        return [nn.BatchNorm2d(width) if images else nn.BatchNorm1d(width)]
    if name == "layer":
        return [nn.GroupNorm(1, width) if images else nn.LayerNorm(width)]
    if name == "group":
        return [nn.GroupNorm(gcd(8, width), width)]
    if name == "instance" and images:
        return [nn.InstanceNorm2d(width, affine=True)]
    raise ValueError(f"no normalisation {name!r} of {'images' if images else 'features'}")


def dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share > 0 else []


def connected(
    features: int, depth: int, width: int, dropout_share: float, activation_name: str, normalisation_name: str
) -> list[nn.Module]:
    """`depth` fully connected layers of `width` units, each normalised, activated and dropped out."""
    made: list[nn.Module] = []
    hidden = features_before(activation_name, width)
    for _ in range(depth):
        made += [
            nn.Linear(features, hidden),
            *normalisation(normalisation_name, hidden, images=False),
            activation(activation_name),
            *dropout(dropout_share),
        ]
        features = width
    return made
