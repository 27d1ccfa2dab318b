"""U-Net, for masks (Ronneberger et al. 2015): an encoder, a decoder, and skip connections between equal sizes.

The decoder sees the encoder's features of the same size beside what comes up from below, so what a thing is (deep) and
where it ends (shallow) meet. Convolutions keep the size here, so that the mask is as large as the image.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tuner.training.models import dense
from tuner.training.task_info import TaskInfo


class UNet(nn.Module):
    """Images [N, channels, height, width] -> logits [N, outputs, height, width]."""

    def __init__(
        self,
        encoder: list[nn.Module],
        middle: nn.Module,
        ups: list[nn.Module],
        decoder: list[nn.Module],
        last: nn.Module,
    ) -> None:
        """`ups` and `decoder`: the deepest first."""
        super().__init__()
        self.encoder, self.middle = nn.ModuleList(encoder), middle
        self.ups, self.decoder, self.last = nn.ModuleList(ups), nn.ModuleList(decoder), last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skipped = []
        for block in self.encoder:
            x = block(x)
            skipped.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.middle(x)
        for up, block in zip(self.ups, self.decoder, strict=True):
            skip = skipped.pop()
            x = block(torch.cat([skip, up(x, skip.shape[-2:])], 1))
        found: torch.Tensor = self.last(x)
        return found


def build(
    task: TaskInfo,
    depth: int = 3,
    width: int = 16,
    up: str = "transposed",
    convolutions: int = 2,
    spatial_dropout: float = 0.0,
    activation: str = "relu",
    normalisation: str = "batch",
) -> nn.Module:
    """`width` channels in the first block, doubled at each halving of the side. Raises InputError where the images are
    too small for the depth."""
    dense.check("unet", task, depth)

    def block(channels: int, out: int, dropped: float = 0.0) -> nn.Module:
        return dense.block(channels, out, convolutions, activation, normalisation, dropped)

    widths = [width * 2**level for level in range(depth + 1)]
    inputs = [task.input_shape[0], *widths]
    return UNet(
        [block(inputs[level], widths[level]) for level in range(depth)],
        # Dropped in the deepest layers alone: above them the skip connections would carry what was dropped below.
        block(inputs[depth], widths[depth], spatial_dropout),
        [dense.Up(up, widths[level + 1], widths[level]) for level in reversed(range(depth))],
        [block(2 * widths[level], widths[level]) for level in reversed(range(depth))],
        nn.Conv2d(width, task.outputs, 1),
    )
