"""The training loop: one epoch over the training split, one evaluation. Nothing here waits for the device.

Sums stay on the device and are fetched once an epoch. What a trial sets comes in as values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, get_total_norm

from tuner.training.augmentation import Augmentation
from tuner.training.device_data import DeviceData
from tuner.training.losses import Objective
from tuner.training.schedules import Schedule
from tuner.training.uncompiled import plain_step
from tuner.training.waiting import Meter, Waiting

GRADIENT_EVERY = 8
"""Steps between two looks at the gradient's norm, where clipping does not compute it anyway: 2 % of a small step."""


@dataclass
class Trainer:
    """One trial's network and all that moves it."""

    model: nn.Module
    weights: list[nn.Parameter]
    objective: Objective
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    augmentation: Augmentation
    batch_size: int
    gradient_clip: float = 0.0
    amp: torch.dtype | None = None
    scaler: torch.amp.GradScaler | None = None
    channels_last: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    data_seconds: float = 0.0
    """Of the last epoch, in which its loop waited for the next batch."""

    def __post_init__(self) -> None:
        takes_closure = isinstance(self.optimizer, torch.optim.LBFGS)
        self._plain_step = None if takes_closure or self.scaler is not None else plain_step(self.optimizer)

    def train_epoch(self, data: DeviceData, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Every training example once. `train_loss`: the mean over the epoch's examples, each as its step saw it."""
        self.model.train()
        total = torch.zeros((), device=self.device)
        norms: list[torch.Tensor] = []
        waited = Meter()
        for number, (x, y) in enumerate(Waiting(data.batches(self.batch_size, generator), waited)):
            loss, norm = self.train_batch(x, y, generator, look=number % GRADIENT_EVERY == 0)
            total += loss * len(y)
            if norm is not None:
                norms.append(norm)
        self.data_seconds = waited.seconds
        return {"train_loss": total / len(data.train_y), "grad_norm": self._mean_norm(torch.stack(norms))}

    def train_batch(
        self, x: torch.Tensor, y: torch.Tensor, generator: torch.Generator, *, look: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """One step; the plain loss before it, and, where somebody looks, the gradient's norm before clipping."""
        if self.augmentation.ways:
            x = self.augmentation(x, generator)
        self.schedule.before_step()
        seen = self._step(x, y, look=look)
        self.schedule.after_step()
        return seen

    def evaluate(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean loss and accuracy in evaluation mode."""
        self.model.eval()
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device)
        count = 0
        with torch.no_grad():  # not inference mode: what a model keeps for later would be unusable in training
            for x, y in batches:
                with self._precision():
                    outputs = self.model(self._laid_out(x))
                    loss += self.objective.plain(outputs, y).float() * len(y)
                right += (outputs.argmax(1) == y).sum()
                count += len(y)
        return loss / count, right / count

    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        """What the network says of these inputs; the caller sets the mode."""
        with self._precision():
            found: torch.Tensor = self.model(self._laid_out(x))
        return found

    def _step(self, x: torch.Tensor, y: torch.Tensor, *, look: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        seen: list[torch.Tensor] = []
        x = self._laid_out(x)

        def backward() -> torch.Tensor:
            for weight in self.weights:
                weight.grad = None
            with self._precision():
                descended, plain = self.objective(self.model(x), y)
            if not seen:
                seen.append(plain)
            if self.scaler is None:
                descended.backward()  # type: ignore[no-untyped-call]
            else:
                self.scaler.scale(descended).backward()  # type: ignore[no-untyped-call]
                self.scaler.unscale_(self.optimizer)
            if self.gradient_clip:
                norms.append(clip_grad_norm_(self.weights, self.gradient_clip))
            elif look:
                norms.append(get_total_norm([w.grad for w in self.weights if w.grad is not None]))
            return descended

        norms: list[torch.Tensor] = []
        if self._plain_step is not None:
            backward()
            self._plain_step()
        elif self.scaler is not None:
            backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step(backward)  # type: ignore[arg-type]
        return seen[0], norms[0] if norms else None

    def _mean_norm(self, norms: torch.Tensor) -> torch.Tensor:
        """With a scaler, without the steps that it skipped: it tries until the gradient overflows."""
        if self.scaler is None:
            return norms.mean()
        finite = norms.isfinite()
        return norms.where(finite, torch.zeros_like(norms)).sum() / finite.sum()

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.amp is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.amp)

    def _laid_out(self, x: torch.Tensor) -> torch.Tensor:
        return x.contiguous(memory_format=torch.channels_last) if self.channels_last and x.ndim == 4 else x
