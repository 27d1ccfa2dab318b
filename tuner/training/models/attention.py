"""Channel attention: a network weighs its own feature maps, each image anew (squeeze-and-excitation)."""

from __future__ import annotations

import torch
from torch import nn


class ChannelAttention(nn.Module):
    """x · sigmoid(W₂ relu(W₁ mean(x))), a weight between 0 and 1 for each channel [N, channels].

    Hu et al. 2018, "Squeeze-and-Excitation Networks", equations 2 to 4; the bottleneck has channels / reduction units.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.squeeze = nn.Linear(channels, narrow)
        self.excite = nn.Linear(narrow, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weigh(x)[:, :, None, None]

    def weigh(self, x: torch.Tensor) -> torch.Tensor:
        """The weights [N, channels] of images [N, channels, height, width]."""
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3))))))


def attention(name: str, channels: int) -> list[nn.Module]:
    """`none` or `channel`; an empty list for `none`."""
    return [ChannelAttention(channels)] if name == "channel" else []


@torch.no_grad()
def channel_weights(model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """What each channel attention of `model` weighs the channels of these inputs with: [N, channels], first layer
    first. An empty list where the model has none. Whether layers are in training mode is the caller's to set."""
    found: list[torch.Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, given: found.append(layer.weigh(given[0])))
        for layer in model.modules()
        if isinstance(layer, ChannelAttention)
    ]
    try:
        model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found
