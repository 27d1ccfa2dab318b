"""The scale on which a network learns numbers, and the way back to their own unit.

raw           as they are
standardised  (y − m) / s, with the training split's mean m and deviation s of each value
log           the same of log y

The loss is that of the scaled numbers; the metrics (rmse, mae) are always in the targets' own unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tuner.errors import Fault, InputError
from tuner.training.forms import TargetForm

SCALES = ("raw", "standardised", "log")


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Made from the training split's targets [N, values]."""

    name: str
    mean: torch.Tensor
    deviation: torch.Tensor

    def scale(self, y: torch.Tensor) -> torch.Tensor:
        return ((y.log() if self.name == "log" else y) - self.mean) / self.deviation

    def unscale(self, y: torch.Tensor) -> torch.Tensor:
        """Network outputs, or scaled targets, in the targets' own unit."""
        y = y * self.deviation + self.mean
        return y.exp() if self.name == "log" else y

    def form(self) -> TargetForm:
        """The same in plain numbers."""
        return TargetForm(self.name, self.mean.tolist(), self.deviation.tolist())


def target_scale(name: str, kind: str, train_y: torch.Tensor | None) -> TargetScale | None:
    """None leaves targets as they are. Raises InputError where targets are no numbers, or have no logarithm."""
    if name == "raw":
        return None
    if kind != "values" or train_y is None:
        cure = "only a task that learns numbers has targets to scale: leave it out"
        raise InputError("targets that cannot be scaled", (Fault("targets", name, cure),))
    if name == "log" and not bool((train_y > 0).all()):
        cure = "some targets are not above 0 and have no logarithm: take standardised"
        raise InputError("targets that cannot be scaled", (Fault("targets", name, cure),))
    y = (train_y.log() if name == "log" else train_y).double()
    deviation = y.std(0, correction=0)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    return TargetScale(name, y.mean(0).float(), deviation.float())
