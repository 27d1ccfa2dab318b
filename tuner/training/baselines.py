"""The loss of a network that has learnt nothing but the targets' frequencies or their middle: what to beat."""

from __future__ import annotations

import math

import torch


def baseline_loss(loss: str, kind: str, y: torch.Tensor) -> float | None:
    """Of the best constant outputs for the training targets `y`; None where no formula is at hand.

    cross_entropy: the entropy of the frequencies. bce_with_logits: that of each channel's share; bce: that of
    each pixel's mean. mse: the variance; mae: the mean distance from the median.
    """
    if loss == "cross_entropy" and kind in ("classes", "tokens"):
        counts = torch.bincount(y.flatten())
        return _entropy(counts[counts > 0].double() / y.numel())
    if loss == "bce_with_logits" and kind == "mask":
        share = y.double().mean((0, *range(2, y.ndim)))
        each = [_entropy(torch.tensor([p, 1 - p], dtype=torch.double)) for p in share.tolist()]
        return math.fsum(each) / len(each)
    if loss == "bce" and kind == "itself":
        share = y.double().mean(0).clamp(0, 1)
        return float(-(share.xlogy(share) + (1 - share).xlogy(1 - share)).mean())
    if kind not in ("values", "itself"):
        return None
    if loss == "mse":
        return float(y.var(0, correction=0).mean())
    if loss == "mae" and kind == "values":
        return float((y - y.median(0).values).abs().mean())
    return None


def _entropy(shares: torch.Tensor) -> float:
    """In nats."""
    return -math.fsum(p * math.log(p) for p in shares.tolist() if p > 0)
