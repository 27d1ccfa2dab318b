"""Encoder–decoder with unpooling, for masks (SegNet: Badrinarayanan et al. 2017).

Each max pooling keeps where its maxima lay; the decoder's unpooling puts values back at these places and zeros
elsewhere, and convolutions fill the gaps. Edges stay where they were without a single copied feature map.
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.training.models import dense
from tuner.training.task_info import TaskInfo


class EncoderDecoder(nn.Module):
    """Images [N, channels, height, width] -> logits [N, outputs, height, width]."""

    def __init__(self, encoder: list[nn.Module], decoder: list[nn.Module], last: nn.Module) -> None:
        """`decoder`: a block for each of the encoder's, the deepest first."""
        super().__init__()
        self.encoder, self.decoder, self.last = nn.ModuleList(encoder), nn.ModuleList(decoder), last
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = []
        for block in self.encoder:
            x = block(x)
            size = x.shape[-2:]  # a side that is odd loses its last row in pooling and has it again here
            x, indices = self.pool(x)
            places.append((indices, size))
        for block in self.decoder:
            indices, size = places.pop()
            x = block(self.unpool(x, indices, output_size=size))
        found: torch.Tensor = self.last(x)
        return found


def build(
    task: TaskInfo,
    depth: int = 3,
    width: int = 16,
    convolutions: int = 2,
    spatial_dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "batch",
) -> nn.Module:
    """`width` channels in the first block, doubled by each next one. Raises InputError where the images are too small
    for the depth."""
    dense.check("encoder_decoder", task, depth)

    def block(channels: int, out: int) -> nn.Module:
        return dense.block(channels, out, convolutions, activation, normalisation, spatial_dropout)

    widths = [width * 2**level for level in range(depth)]
    encoder = [block(channels, out) for channels, out in zip([task.input_shape[0], *widths], widths, strict=False)]
    decoder = [block(widths[level], widths[max(level - 1, 0)]) for level in reversed(range(depth))]
    return EncoderDecoder(encoder, decoder, nn.Conv2d(width, task.outputs, 1))
