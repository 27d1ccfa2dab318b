"""Any classifier of torchvision by its name, fitted to the task's images and classes.

With `weights: pretrained` or a path it starts from weights of ImageNet, whose head of 1000 classes does not fit and is
drawn anew; `frozen` and `body_lr` say what of it learns.
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.space import did_you_mean
from tuner.training.task_info import TaskInfo
from tuner.training.torchvision_names import BACKBONES

COLOURS = 3
SIZED = ("vit_", "swin", "maxvit")
"""Networks whose weights depend on the image's size, or that need a large one: images are scaled up to SIZE."""
SIZE = 224


class Backbone(nn.Module):
    """A torchvision network; images of another number of channels or of another size are fitted to it first."""

    def __init__(self, name: str, network: nn.Module, *, repeat: bool, size: int | None) -> None:
        super().__init__()
        self.torchvision_name = name
        self.network, self._repeat, self._size = network, repeat, size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._repeat:
            x = x.expand(-1, COLOURS, -1, -1)
        if self._size is not None and x.shape[-1] != self._size:
            x = nn.functional.interpolate(x, (self._size, self._size), mode="bilinear", antialias=True)
        found: torch.Tensor = self.network(x)
        return found

    def stages(self) -> list[nn.Module]:
        """The network's direct parts that have weights, in order; the last is its head."""
        parts = [part for part in self.network.children() if next(part.parameters(), None) is not None]
        if len(parts) < 4 and isinstance(parts[0], nn.Sequential):  # many: all features as one, then the classifier
            parts = [*parts[0], *parts[1:]]
        return parts


def build(task: TaskInfo, name: str = "resnet18", grey: str = "repeat", scaled: int = 0) -> nn.Module:
    """`grey`: what is done with images of one channel: `repeat` it three times, which fits weights of colour images, or
    `replace` the first convolution. `scaled`: images are scaled to so many pixels a side; 0: as they are."""
    if len(task.input_shape) != 3:
        cure = f"the examples of {task.name} are no images: take softmax or mlp"
        raise InputError("a backbone needs images", (Fault("model", "backbone", cure),))
    if name not in BACKBONES:
        raise InputError("no such backbone", (Fault("name", name, did_you_mean(name, BACKBONES)),))
    from torchvision.models import get_model  # seconds, and only here

    network: nn.Module = get_model(name, weights=None, num_classes=task.outputs)
    channels = task.input_shape[0]
    repeat = channels == 1 and grey == "repeat"
    if channels != COLOURS and not repeat:
        _replace_first(network, channels)
    return Backbone(name, network, repeat=repeat, size=scaled or (SIZE if name.startswith(SIZED) else None))


def _replace_first(network: nn.Module, channels: int) -> None:
    """The first convolution anew, for so many channels."""
    where, first = next((n, layer) for n, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    parent, _, own = where.rpartition(".")
    new = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]  # a pair, which torch's stubs call any tuple
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    setattr(network.get_submodule(parent), own, new)
