"""What the networks with a picture as output share: blocks of convolutions, and the ways to double a side."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.models import layers
from tuner.training.task_info import TaskInfo


def check(model: str, task: TaskInfo, depth: int) -> None:
    """Raises InputError where inputs are no images or `depth` halvings leave less than two pixels a side."""
    if len(task.input_shape) != 3:
        cure = f"the examples of {task.name} are no images, which it needs: take mlp or another model"
        raise InputError(f"{model} needs images", (Fault("model", model, cure),))
    side = min(task.input_shape[1:])
    if side >> depth < 2:
        cure = f"each halves the side, and of {side} pixels two have to stay: at most {max(side.bit_length() - 2, 0)}"
        raise InputError("images that are too small", (Fault(f"model.{model}.depth", depth, cure),))


def block(
    channels: int, out: int, convolutions: int, activation: str, normalisation: str, spatial_dropout: float
) -> nn.Sequential:
    """3×3 convolutions that keep the size, each normalised and activated; whole channels dropped at the end."""
    made: list[nn.Module] = []
    hidden = layers.features_before(activation, out)
    for _ in range(convolutions):
        made += [
            nn.Conv2d(channels, hidden, 3, padding=1, bias=normalisation not in ("batch", "instance")),
            *layers.normalisation(normalisation, hidden, images=True),
            layers.activation(activation),
        ]
        channels = out
    if spatial_dropout > 0:
        made.append(nn.Dropout2d(spatial_dropout))
    return nn.Sequential(*made)


class Up(nn.Module):
    """Doubles the side and gives `out` channels: a transposed convolution, or the values in between followed by a 3×3
    convolution, which leaves no pattern of a chessboard (Odena et al. 2016)."""

    def __init__(self, way: str, channels: int, out: int) -> None:
        super().__init__()
        self.way = way
        self.layer = (
            nn.ConvTranspose2d(channels, out, 2, stride=2)
            if way == "transposed"
            else nn.Conv2d(channels, out, 3, padding=1)
        )

    def forward(self, x: torch.Tensor, size: tuple[int, int] | torch.Size) -> torch.Tensor:
        """`size`: height and width to come out, twice those of `x`, or one more or less."""
        if isinstance(self.layer, nn.ConvTranspose2d):
            doubled = [max(wanted, 2 * there) for wanted, there in zip(size, x.shape[-2:], strict=True)]
            cut: torch.Tensor = self.layer(x, output_size=doubled)[..., : size[0], : size[1]]
            return cut
        corners = None if self.way == "nearest" else False
        larger = functional.interpolate(x, size=list(size), mode=self.way, align_corners=corners)
        found: torch.Tensor = self.layer(larger)
        return found
