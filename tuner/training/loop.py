"""The training loop: one epoch over the training split, one evaluation. Nothing here waits for the device.

Sums stay on the device and are fetched once an epoch. What a trial sets comes in as values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, get_total_norm

from tuner.training.augmentation import Augmentation
from tuner.training.direct_step import direct_step
from tuner.training.epoch_mean import EpochMean
from tuner.training.group import Group
from tuner.training.losses import Objective
from tuner.training.mixup import Mixed, Mixup
from tuner.training.schedules import Schedule
from tuner.training.scores import Scores
from tuner.training.trial_data import TrialData
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
    scores: Scores = field(default_factory=lambda: Scores({}))
    """What is measured in an evaluation, beside the loss."""
    mixup: Mixup | None = None
    gradient_clip: float = 0.0
    amp: torch.dtype | None = None
    scaler: torch.amp.GradScaler | None = None
    channels_last: bool = False
    frozen: tuple[nn.Module, ...] = ()
    """What stays in evaluation mode while the rest is trained."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    group: Group = field(default_factory=Group)
    """The trial's workers: this one computes its part of every batch."""
    data_seconds: float = 0.0
    """Of the last epoch, in which its loop waited for the next batch."""

    def __post_init__(self) -> None:
        self._takes_closure = isinstance(self.optimizer, torch.optim.LBFGS)
        self._direct_step = direct_step(self.optimizer)
        self._share = 1.0  # of this worker's part in the batch

    def train_epoch(self, data: TrialData, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Every training example once. `train_loss`: the mean over the epoch's examples, each as its step saw it."""
        self.to_training()
        mean = EpochMean()
        norms: list[torch.Tensor] = []
        waited = Meter()
        self.group.draw_together()
        for number, (x, y) in enumerate(Waiting(data.batches(self.batch_size, generator), waited)):
            if number == 0:  # by now a DataLoader has drawn its order
                self.group.draw_apart(generator.initial_seed() + self.schedule.step)
            loss, norm = self.train_batch(x, y, generator, look=number % GRADIENT_EVERY == 0)
            mean.add(loss, batch_length(x, y))
            if norm is not None:
                norms.append(norm)
        self.data_seconds = waited.seconds
        loss = self.group.total(mean.value())
        return {"train_loss": loss, "grad_norm": self._mean_norm(torch.stack(norms))}

    def to_training(self) -> None:
        """Training mode, but for what is frozen."""
        self.model.train()
        for module in self.frozen:
            module.eval()

    def train_batch(
        self, x: Any, y: torch.Tensor | None, generator: torch.Generator, *, look: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """One step; the plain loss before it, and, where somebody looks, the gradient's norm before clipping.

        Every worker of the trial is given the whole batch, so that all draw alike. The loss is that of this one's
        part, weighted by its share: over all workers it sums to that of the batch.
        """
        if self.augmentation.ways:
            x, y = self.augmentation(x, y, generator)
        targets: torch.Tensor | Mixed | None = y
        count = batch_length(x, y) if self.group.size > 1 else 0
        if self.mixup is not None and y is not None:
            x, targets = self.mixup(x, y, generator)
        if self.group.size > 1:
            x, targets = self.group.part(x, count), self.group.part(targets, count)
            self._share = self.group.share(count)
        self.schedule.before_step()
        seen = self._step(x, targets, look=look)
        self.schedule.after_step()
        return seen

    def evaluate(self, batches: Iterable[tuple[Any, torch.Tensor | None]]) -> dict[str, torch.Tensor]:
        """Mean loss and metrics in evaluation mode, by name (`loss`, `accuracy`, ...)."""
        self.model.eval()
        self.scores.start()
        loss = torch.zeros((), device=self.device)
        count = 0
        self.group.draw_together()
        divided = self.group.size > 1 and self.scores.can_be_summed
        with torch.no_grad():  # not inference mode: what a model keeps for later would be unusable in training
            for x, y in self.group.turns(batches) if divided else batches:
                length = batch_length(x, y)
                with self._precision():
                    plain, outputs, targets = self.objective.judge(self.model, self._laid_out(x), y)
                loss += plain.float() * length
                if outputs is not None and targets is not None:
                    self.scores.add(outputs, targets)
                count += length
        examples: int | torch.Tensor = count
        if divided:
            loss, examples = self.group.total(torch.stack([loss, loss.new_tensor(count)])).unbind()
            self.scores.sum_up(self.group, self.device)
        return {"loss": loss / examples, **self.scores.found()}

    def judge_each(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """(losses [N], outputs, targets) of these examples; the caller sets the mode."""
        with self._precision():
            return self.objective.judge_each(self.model, self._laid_out(x), y)

    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        """What the network says of these inputs; the caller sets the mode."""
        with self._precision():
            found: torch.Tensor | tuple[torch.Tensor, ...] = self.model(self._laid_out(x))
        return found[0] if isinstance(found, tuple) else found

    def _step(self, x: Any, y: torch.Tensor | Mixed | None, *, look: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        x = self._laid_out(x)
        if self._takes_closure:
            return self._closure_step(x, y, look=look)
        _, plain, norm = self._backward(x, y, look=look)
        if self.scaler is None:
            self._direct_step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return plain, norm

    def _closure_step(
        self, x: Any, y: torch.Tensor | Mixed | None, *, look: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """An optimizer that evaluates the loss several times in a step: the first is the one before the step."""
        seen: list[tuple[torch.Tensor, torch.Tensor | None]] = []

        def closure() -> torch.Tensor:
            descended, plain, norm = self._backward(x, y, look=look)
            seen.append((plain, norm))
            return self.group.total(descended)

        self.optimizer.step(closure)  # type: ignore[arg-type]
        return seen[0]

    def _backward(
        self, x: Any, y: torch.Tensor | Mixed | None, *, look: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """(what is descended, the plain loss, the gradient's norm where it is asked for); gradients left in place."""
        for weight in self.weights:
            weight.grad = None
        if self.amp is None:
            descended, plain = self.objective.descend(self.model, x, y)
        else:
            with self._precision():
                descended, plain = self.objective.descend(self.model, x, y)
        if self._share != 1.0:
            descended, plain = descended * self._share, plain * self._share
        if self.scaler is None:
            descended.backward()  # type: ignore[no-untyped-call]
        else:
            self.scaler.scale(descended).backward()  # type: ignore[no-untyped-call]
        self.group.add_gradients(self.weights)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        norm = None
        if self.gradient_clip:
            norm = clip_grad_norm_(self.weights, self.gradient_clip)
        elif look:
            norm = get_total_norm([w.grad for w in self.weights if w.grad is not None])
        return descended, plain, norm

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

    def _laid_out(self, x: Any) -> Any:
        return (
            x.contiguous(memory_format=torch.channels_last)
            if self.channels_last and torch.is_tensor(x) and x.ndim == 4
            else x
        )


def batch_length(x: Any, y: torch.Tensor | None) -> int:
    """Examples in a batch: of targets, else of the first tensor in it."""
    while y is None:
        if torch.is_tensor(x):
            y = x
        elif isinstance(x, Mapping):
            x = next(iter(x.values()))
        elif isinstance(x, tuple | list):
            x = x[0]
        else:
            return 1
    return len(y) if y.ndim else 1
