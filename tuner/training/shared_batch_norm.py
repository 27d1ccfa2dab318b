"""Batch norm over the whole batch of a trial with several workers, not over each worker's part.

So that a trial is the same trial, however many workers share it. On GPUs this is torch's `SyncBatchNorm`; that takes no
CPU tensors, so there the batch norm layers are given a forward pass that does the same.

Formula  of the parts' means m and sums of squared deviations s over n values each (Chan, Golub and LeVeque 1979):
         mean = Σ n·m / Σ n,   variance = Σ (s + n·(m − mean)²) / Σ n
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tuner.training.group import Group


def share_batch_norm(model: nn.Module, group: Group, device: torch.device) -> nn.Module:
    """The model, its batch norm layers taking the statistics of all parts. A layer of a user's own is left alone."""
    if group.size == 1:
        return model
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return converted
    for layer in model.modules():
        if isinstance(layer, _BatchNorm) and type(layer).forward is _BatchNorm.forward:
            layer.forward = MethodType(_Shared(group), layer)  # type: ignore[method-assign]
    return model


class _Shared:
    """The forward pass of a batch norm layer."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def __call__(self, layer: _BatchNorm, x: torch.Tensor) -> torch.Tensor:
        if not layer.training:
            return _BatchNorm.forward(layer, x)
        layer._check_input_dim(x)  # type: ignore[no-untyped-call]
        dims = [0, *range(2, x.ndim)]
        values = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        count, mean, variance = self._moments(values, dims)
        if layer.track_running_stats and layer.running_mean is not None and layer.running_var is not None:
            self._keep(layer, count.detach(), mean.detach(), variance.detach())
        shape = [1, -1, *[1] * (x.ndim - 2)]
        out = (values - mean.view(shape)) * torch.rsqrt(variance + layer.eps).view(shape)
        if layer.affine:
            out = out * layer.weight.view(shape) + layer.bias.view(shape)
        return out.to(x.dtype)

    def _moments(self, x: torch.Tensor, dims: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Number of values, mean and variance of each channel over all workers."""
        own_mean = x.mean(dims)
        squares = (x - own_mean.view([1, -1, *[1] * (x.ndim - 2)])).square().sum(dims)
        count = torch.full_like(own_mean, x.numel() / x.shape[1])
        slots = torch.zeros(self.group.size, 3, len(own_mean), dtype=x.dtype)
        slots[self.group.rank] = torch.stack([count, own_mean, squares])
        counts, means, squares = _Total.apply(slots, self.group).unbind(1)
        total = counts.sum(0)
        mean = (counts * means).sum(0) / total
        return total, mean, (squares + counts * (means - mean).square()).sum(0) / total

    def _keep(self, layer: _BatchNorm, count: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """The running statistics, as torch's layer keeps them: the variance there is the unbiased one."""
        assert layer.running_mean is not None
        assert layer.running_var is not None
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked.add_(1)
        factor = 1.0 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
        layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), factor)
        layer.running_var.lerp_((variance * count / (count - 1)).to(layer.running_var.dtype), factor)


class _Total(torch.autograd.Function):
    """A sum over workers that gradients pass through: what one puts in, all of them use."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, group: Group) -> torch.Tensor:
        ctx.group = group
        return group.total(value)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.group.total(gradients[0].contiguous()), None
