"""Learning-rate schedules: torch's own where it has them, the horizon always `max_epochs`, warm-up on top of any.

A schedule moves once an epoch, one_cycle once a step. Warm-up scales whatever the schedule says during its epochs, and
so does the factor of a group of weights (`optimizers.LR_FACTOR`), always: the ratio between groups holds under any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate
from tuner.training.optimizers import LR_FACTOR


def constant(optimizer: Optimizer) -> LRScheduler:
    return LambdaLR(optimizer, lambda _: 1.0)


def fractional(optimizer: Optimizer, k: float = 0.1) -> LRScheduler:
    """lr / (1 + k · epoch), the first epoch at lr."""
    return LambdaLR(optimizer, lambda epoch: 1.0 / (1.0 + k * epoch))


class Schedule:
    """Sets the learning rate before every step; the loop calls `before_step` and `after_epoch`."""

    def __init__(
        self,
        optimizer: Optimizer,
        name: str,
        arguments: Mapping[str, Any],
        *,
        max_epochs: int,
        steps_per_epoch: int,
        warmup: float = 0.0,
    ) -> None:
        filled: dict[str, Any] = {}
        self.by_step = name == "one_cycle"
        if name == "cosine":
            filled["T_max"] = max_epochs
        elif name == "polynomial":
            filled["total_iters"] = max_epochs
        elif name == "one_cycle":
            lrs = [group["lr"] for group in optimizer.param_groups]
            # One step more, since torch moves once after the last; momentum stays what the space says.
            filled |= {"max_lr": lrs, "total_steps": max_epochs * steps_per_epoch + 1, "cycle_momentum": False}
        self.optimizer = optimizer
        self.inner: LRScheduler = locate(CATALOGUE.family("schedule")[name].where)(optimizer, **filled, **arguments)
        self.warmup_steps = round(warmup * steps_per_epoch)
        self._factors = [float(group.get(LR_FACTOR, 1.0)) for group in optimizer.param_groups]
        self._scaled = any(factor != 1.0 for factor in self._factors)
        self.step = 0
        """Steps taken so far."""

    @property
    def lr(self) -> float:
        """What the next step is taken with, before the factor of a group of weights that has one."""
        return float(self.optimizer.param_groups[0]["lr"]) * self._factor()

    def before_step(self) -> None:
        if self._scaled or self.step < self.warmup_steps:
            self._planned = [group["lr"] for group in self.optimizer.param_groups]
            for group, factor in zip(self.optimizer.param_groups, self._factors, strict=True):
                group["lr"] *= self._factor() * factor

    def after_step(self) -> None:
        if (
            self._scaled or self.step < self.warmup_steps
        ):  # torch's schedules multiply what they find: give them their own back
            for group, lr in zip(self.optimizer.param_groups, self._planned, strict=True):
                group["lr"] = lr
        self.step += 1
        if self.by_step:
            self.inner.step()

    def after_epoch(self, val_loss: float) -> None:
        if isinstance(self.inner, ReduceLROnPlateau):
            self.inner.step(val_loss)
        elif not self.by_step:
            self.inner.step()

    def state_dict(self) -> dict[str, Any]:
        return {"inner": self.inner.state_dict(), "step": self.step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.inner.load_state_dict(state["inner"])
        self.step = state["step"]

    def _factor(self) -> float:
        return min(1.0, (self.step + 1) / (self.warmup_steps + 1)) if self.warmup_steps else 1.0
