"""The metrics of an evaluation, summed on the device: nothing is fetched before its end.

Each is a mean over examples of a value that an example has by itself. IoU and Dice of an empty mask that was found
empty are 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.group import Group
from tuner.training.kinds import KINDS
from tuner.training.target_scale import TargetScale

Each = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(outputs, targets) -> a value for each example [N], or their mean."""


@dataclass(frozen=True, slots=True)
class Score:
    """One metric."""

    each: Each
    finish: Callable[[torch.Tensor], torch.Tensor] | None = None
    """What is done with the mean at last."""

    def __call__(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.each(outputs, targets)

    def error(self, values: torch.Tensor) -> float:
        """The standard error of the metric, from its values over examples [N]; through the square root by the chain
        rule."""
        mean = float(values.mean())
        error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf
        return error / (2 * math.sqrt(mean)) if self.finish is torch.sqrt and mean > 0 else error


def _accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of classes [N], or of tokens [N, steps]: then the share of steps."""
    if outputs.ndim == 2:
        return outputs.argmax(1) == targets
    return (outputs.argmax(-1) == targets).float().mean(1)


def _square(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs - targets).square().flatten(1).mean(1)


def _absolute(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs - targets).abs().flatten(1).mean(1)


def _iou(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """|A ∩ B| / |A ∪ B| of the mask where the logit is above 0."""
    found, true = (outputs > 0).flatten(1), (targets > 0.5).flatten(1)
    both, either = (found & true).sum(1), (found | true).sum(1)
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both, dtype=torch.float32))


def _dice(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """2 |A ∩ B| / (|A| + |B|)."""
    found, true = (outputs > 0).flatten(1), (targets > 0.5).flatten(1)
    both, sizes = (found & true).sum(1), found.sum(1) + true.sum(1)
    return torch.where(sizes > 0, 2 * both / sizes.clamp(min=1), torch.ones_like(both, dtype=torch.float32))


def _bits(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Bits for a token: the cross-entropy in base 2."""
    each = functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return each.view(targets.shape).mean(1) / math.log(2)


SCORES = {
    "accuracy": Score(_accuracy),
    "rmse": Score(_square, torch.sqrt),
    "mae": Score(_absolute),
    "iou": Score(_iou),
    "dice": Score(_dice),
    "bits": Score(_bits),
}


class Scores:
    """The metrics of one task: `start`, then `add` a batch at a time, then `found`."""

    def __init__(self, metrics: Mapping[str, Any], *, scale: TargetScale | None = None) -> None:
        """`metrics`: name -> Score, a function as in `Each`, or an object with update, compute and reset, as
        torchmetrics has them. With a scale they see outputs and targets in the targets' own unit."""
        self.metrics, self._scale = dict(metrics), scale
        self._sums: dict[str, torch.Tensor] = {}
        self._count: int | torch.Tensor = 0

    def each(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
        """Name -> its values over these examples [N]; without those that are no mean over examples."""
        outputs = outputs.float()
        if self._scale is not None:
            outputs, targets = self._scale.unscale(outputs), self._scale.unscale(targets)
        made = {
            name: metric(outputs, targets) for name, metric in self.metrics.items() if not hasattr(metric, "update")
        }
        return {name: values for name, values in made.items() if getattr(values, "ndim", 0) == 1}

    def errors(self, scored: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, float]:
        """Name -> the standard error of its mean, from what `each` gave of all batches; infinite where it is no such
        mean."""
        found = {}
        for name, metric in self.metrics.items():
            score = metric if isinstance(metric, Score) else Score(metric)
            known = bool(scored) and all(name in batch for batch in scored)
            values = torch.cat([torch.as_tensor(batch[name]) for batch in scored]).double() if known else None
            found[name] = score.error(values) if values is not None else math.inf
        return found

    @classmethod
    def of(cls, kind: str, own: Mapping[str, Any] | None, scale: TargetScale | None) -> Scores:
        """The task's own metrics, else those of its kind."""
        if own is not None:
            wrong = [name for name, metric in own.items() if not (callable(metric) or hasattr(metric, "update"))]
            if wrong:
                cure = "write a function (outputs, targets) -> one value for each example, or a torchmetrics Metric"
                raise InputError("metrics that are none", tuple(Fault(f"metrics.{name}", None, cure) for name in wrong))
            return cls(own, scale=scale)
        names = KINDS[kind].metrics if kind in KINDS else ()
        return cls({name: SCORES[name] for name in names}, scale=scale)

    def start(self) -> None:
        self._sums, self._count = {}, 0
        for metric in self.metrics.values():
            if hasattr(metric, "update"):
                metric.reset()

    def add(self, outputs: torch.Tensor, targets: torch.Tensor) -> None:
        if not self.metrics:
            return
        outputs = outputs.float()
        if self._scale is not None:
            outputs, targets = self._scale.unscale(outputs), self._scale.unscale(targets)
        self._count += len(targets)
        for name, metric in self.metrics.items():
            if hasattr(metric, "update"):
                metric.to(outputs.device).update(outputs, targets)
                continue
            each = metric(outputs, targets)
            total = each.sum() if getattr(each, "ndim", 0) else each * len(targets)
            self._sums[name] = self._sums[name] + total if name in self._sums else total

    @property
    def can_be_summed(self) -> bool:
        """Whether the sums of several workers, each over some of the batches, are those over all."""
        return not any(hasattr(metric, "update") for metric in self.metrics.values())

    def found(self) -> dict[str, torch.Tensor]:
        """Name -> its value on the device."""
        values: dict[str, torch.Tensor] = {}
        for name, metric in self.metrics.items():
            if hasattr(metric, "update"):
                values[name] = metric.compute()
                continue
            mean = self._sums[name] / self._count
            values[name] = metric.finish(mean) if isinstance(metric, Score) and metric.finish is not None else mean
        return values

    def sum_up(self, group: Group, device: torch.device) -> None:
        """Of the workers of a trial, each of which has measured some of the batches, or none."""
        if self.metrics:
            own = [
                torch.as_tensor(self._sums.get(name, 0.0), dtype=torch.float32, device=device) for name in self.metrics
            ]
            *sums, count = group.total(torch.stack([*own, own[0].new_tensor(self._count)])).unbind()
            self._sums, self._count = dict(zip(self.metrics, sums, strict=True)), count
