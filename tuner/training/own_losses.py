"""Losses that torch does not have, or not in a form that a search can take."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError

SMALLEST = 1e-7
"""Nearest to 0 and 1 that a probability is taken; single precision has no number much nearer to 1."""


class Dice(nn.Module):
    """Soft Dice loss of logits, for masks in which one class is rare (Milletari et al. 2016; here without squares).

    1 − (2 Σ p·t + s) / (Σ p + Σ t + s), with p = sigmoid(logit), sums over the pixels of one channel of one image and
    s = `smooth`, which makes an empty mask found empty cost 0; the mean over images and channels. No unit, 0 to 1.
    """

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        self.smooth = smooth

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Both [N, channels, height, width]."""
        p, t = logits.float().sigmoid().flatten(2), targets.flatten(2)
        both, sizes = (p * t).sum(2), p.sum(2) + t.sum(2)
        return 1 - ((2 * both + self.smooth) / (sizes + self.smooth)).mean()


class DiceBCE(nn.Module):
    """Binary cross-entropy of logits + `dice` × the soft Dice loss: the first gives every pixel a gradient, the second
    counts a small object as much as a large background."""

    def __init__(self, dice: float = 1.0, smooth: float = 1.0) -> None:
        super().__init__()
        self.weight, self.dice = dice, Dice(smooth)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        entropy = functional.binary_cross_entropy_with_logits(logits.float(), targets)
        found: torch.Tensor = entropy + self.weight * self.dice(logits, targets)
        return found


class Hinge(nn.Module):
    """One class against the rest, for each class: Σ over classes of max(0, margin − t · output), t = 1 for the
    example's class and −1 for the others; with two classes the two-class hinge loss, twice. No unit."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        self.margin, self.reduction = margin, reduction

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """[N, classes] and class numbers [N]."""
        signs = 2 * functional.one_hot(targets, outputs.shape[1]) - 1
        each = (self.margin - signs * outputs).clamp(min=0).sum(1)
        return each if self.reduction == "none" else each.mean()


class MSLE(nn.Module):
    """(log(1 + output) − log(1 + target))², the mean over all numbers; targets of 0 and more.

    Below 0 an output counts as if the logarithm went on straight, so that a network that starts there is led out.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logs = torch.where(outputs > 0, outputs.clamp(min=0).log1p(), outputs)
        each = (logs - targets.log1p()).square()
        return each if self.reduction == "none" else each.mean()


class BinaryCrossEntropy(nn.Module):
    """−t log p − (1 − t) log(1 − p) of probabilities p and targets t in [0, 1], the mean over all numbers, in nats.

    `torch.nn.BCELoss` refuses mixed precision, and raises at a NaN where a trial should be told that it diverged.
    The first batch is looked at, once: outputs or targets outside [0, 1] are an InputError.
    """

    def __init__(self) -> None:
        super().__init__()
        self._looked = False

    def forward(self, probabilities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        p = probabilities.float()
        if not self._looked:
            self._looked = True
            cures = {
                "outputs": (p, "let the network end in a sigmoid (output: sigmoid), or take mse"),
                "targets": (targets, "leave the inputs as they are (standardise: false), or take mse"),
            }
            faults = [
                Fault("loss", "bce", f"{name} lie between {low:.3g} and {high:.3g}: {cure}")
                for name, (values, cure) in cures.items()
                for low, high in [[float(edge) for edge in values.detach().aminmax()]]
                if low < 0 or high > 1
            ]
            if faults:
                raise InputError("bce takes numbers from 0 to 1", tuple(faults))
        p = p.clamp(SMALLEST, 1 - SMALLEST)
        return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()
