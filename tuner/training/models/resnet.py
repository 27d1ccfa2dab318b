"""A residual network of basic blocks, and the plain network of the same depth: the same layers without the skips.

He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2: a 3×3 stem, stages of blocks of two 3×3
convolutions, the first block of every later stage halving the side and doubling the channels, then the mean over
pixels and one linear layer. Where the shape changes, a 1×1 convolution takes the place of the identity.
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.models import layers
from tuner.training.models.attention import attention as attend
from tuner.training.task_info import TaskInfo


class BasicBlock(nn.Module):
    """Two convolutions; with `skip` their input is added to what they make."""

    def __init__(
        self,
        channels: int,
        out: int,
        stride: int,
        *,
        skip: bool,
        order: str,
        normalisation: str,
        activation: str,
        attention: str,
        dropout: float,
    ) -> None:
        super().__init__()
        bias = normalisation == "none"  # a normalisation has its own

        def convolution(given: int, steps: int) -> nn.Module:
            return nn.Conv2d(given, out, 3, steps, padding=1, bias=bias)

        def before(width: int) -> list[nn.Module]:
            return [*layers.normalisation(normalisation, width, images=True), layers.activation(activation)]

        if order == "pre":
            made = [*before(channels), convolution(channels, stride), *before(out)]
            made += [*layers.dropout(dropout), convolution(out, 1), *attend(attention, out)]
        else:
            made = [convolution(channels, stride), *before(out), *layers.dropout(dropout), convolution(out, 1)]
            made += [*layers.normalisation(normalisation, out, images=True), *attend(attention, out)]
        self.path = nn.Sequential(*made)
        self.skip = _shortcut(channels, out, stride, normalisation if order == "post" else "none") if skip else None
        self.after = layers.activation(activation) if order == "post" else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.path(x)
        if self.skip is not None:
            found = found + self.skip(x)
        result: torch.Tensor = self.after(found)
        return result


def _shortcut(channels: int, out: int, stride: int, normalisation: str) -> nn.Module:
    if stride == 1 and channels == out:
        return nn.Identity()
    projection = nn.Conv2d(channels, out, 1, stride, bias=normalisation == "none")
    return nn.Sequential(projection, *layers.normalisation(normalisation, out, images=True))


def build(
    task: TaskInfo,
    blocks: int = 2,
    stages: int = 3,
    width: int = 16,
    skip: bool = True,
    order: str = "post",
    stem_stride: int = 1,
    attention: str = "none",
    dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "batch",
) -> nn.Module:
    """2 · stages · blocks + 2 layers with weights. `order`: `post` activates after the addition, `pre` normalises and
    activates before each convolution (He et al. 2016, "Identity Mappings in Deep Residual Networks")."""
    if len(task.input_shape) != 3:
        cure = f"the examples of {task.name} are no images: take softmax or mlp"
        raise InputError("a resnet needs images", (Fault("model", "resnet", cure),))
    if activation == "maxout":
        cure = "maxout halves the channels, which the skip connection would not: take another"
        raise InputError("no maxout in a resnet", (Fault("activation", activation, cure),))
    channels, height, side = task.input_shape
    stem: list[nn.Module] = [nn.Conv2d(channels, width, 3, stem_stride, padding=1, bias=normalisation == "none")]
    if order == "post" or normalisation != "none":
        stem += [*layers.normalisation(normalisation, width, images=True), layers.activation(activation)]
    shortest = -(-min(height, side) // stem_stride)
    made = [nn.Sequential(*stem)]
    channels = width
    for stage in range(stages):
        out = width * 2**stage
        stage_blocks = []
        for block in range(blocks):
            halves = stage > 0 and block == 0 and shortest >= 4  # two pixels stay, for what averages over them
            stage_blocks.append(
                BasicBlock(
                    channels,
                    out,
                    2 if halves else 1,
                    skip=skip,
                    order=order,
                    normalisation=normalisation,
                    activation=activation,
                    attention=attention,
                    dropout=dropout,
                )
            )
            channels, shortest = out, -(-shortest // 2) if halves else shortest
        made.append(nn.Sequential(*stage_blocks))
    last = [*layers.normalisation(normalisation, channels, images=True), layers.activation(activation)]
    head = [*(last if order == "pre" else []), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*made, nn.Sequential(*head), nn.Linear(channels, task.outputs))
