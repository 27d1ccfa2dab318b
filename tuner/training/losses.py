"""What a step descends, and what is reported.

The two differ on purpose: label smoothing, L1 and hard-example mining change what is descended, while `train_loss` and
`val_loss` are the plain loss, so that curves of different trials, and of training and validation, can be compared. With
mixup no output is right for sure: `train_loss` is then the cross-entropy less the entropy of the mixed targets, 0 at
best as the plain loss is; `train_eval_loss` is measured on examples as they are.

A network may give `(outputs, extra)`: `extra`, a number, is added to the loss in training and in evaluation, as the
Kullback-Leibler term of a variational autoencoder is; metrics see the outputs alone.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate
from tuner.training.mixup import Mixed

Pair = tuple[torch.Tensor, torch.Tensor]


class Objective:
    """`descended, plain = objective(outputs, targets)`, both means over the batch."""

    def __init__(
        self,
        loss: str | Callable[..., Any] | None,
        arguments: Mapping[str, Any],
        weights: list[nn.Parameter],
        *,
        label_smoothing: float = 0.0,
        l1: float = 0.0,
        hardest: float = 1.0,
        step: Callable[..., Any] | None = None,
    ) -> None:
        """`loss`: a name of the catalogue, or a function (outputs, targets) -> the mean of a batch; None only beside
        `step`, the task's own (model, batch) -> loss, or (loss, outputs, targets)."""
        if label_smoothing and (loss != "cross_entropy" or step is not None):
            told = loss if isinstance(loss, str) and step is None else "of the task's own"
            cure = f"the loss {told} has none: set it to 0, or take cross_entropy"
            raise InputError("no label smoothing here", (Fault("label_smoothing", label_smoothing, cure),))
        self.plain: Callable[..., Any] | None = (
            locate(CATALOGUE.family("loss")[loss].where)(**arguments) if isinstance(loss, str) else loss
        )
        self.smoothing, self.l1, self._step = label_smoothing, l1, step
        self.hardest = hardest
        self._each = None if hardest == 1.0 else _of_each(loss if step is None else None, arguments, hardest)
        self.penalised = [weight for weight in weights if weight.ndim > 1]  # not the biases

    def descend(self, model: nn.Module, x: Any, y: torch.Tensor | Mixed | None) -> Pair:
        """(what a step descends, the plain loss), of a network in training mode on one batch."""
        if self._step is not None:
            assert not isinstance(y, Mixed)
            loss, _, _ = self._stepped(model, x, y)
            return self._penalised(loss), loss.detach()
        assert y is not None
        return self(model(x), y)

    def judge(
        self, model: nn.Module, x: Any, y: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """(the plain loss, outputs, targets) of a network in evaluation mode; without outputs there are no metrics."""
        if self._step is not None:
            return self._stepped(model, x, y)
        assert y is not None
        outputs, extra = _apart(model(x))
        loss = self._plain(outputs, y)
        return loss if extra is None else loss + extra, outputs, y

    def judge_each(
        self, model: nn.Module, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """As `judge`, with the loss of each example [N] rather than their mean."""
        if self._step is not None:
            rows = [self._stepped(model, x[i : i + 1], y[i : i + 1]) for i in range(len(y))]
            losses = torch.stack([loss for loss, _, _ in rows])
            outputs = [one for _, one, _ in rows if one is not None]
            targets = [one for _, _, one in rows if one is not None]
            return losses, torch.cat(outputs) if outputs else None, torch.cat(targets) if targets else None
        outputs_, extra = _apart(model(x))
        losses = torch.stack([self._plain(outputs_[i : i + 1], y[i : i + 1]).float() for i in range(len(y))])
        return losses if extra is None else losses + extra, outputs_, y

    def __call__(self, found: Any, targets: torch.Tensor | Mixed) -> Pair:
        outputs, extra = _apart(found)
        if isinstance(targets, Mixed):
            each = self._of_mixed(outputs, targets, self.smoothing)
            descended = self._hard(each)
            shown = each if not self.smoothing else self._of_mixed(outputs.detach(), targets, 0.0)
            plain = (shown.detach() - targets.entropy()).mean()
        elif self._each is not None:
            flat, wanted = _flat(outputs, targets)
            each = self._each(flat, wanted)
            plain = each.detach().mean()
            if self.smoothing:
                each = functional.cross_entropy(flat, wanted, label_smoothing=self.smoothing, reduction="none")
            descended = self._hard(each.flatten(1).mean(1) if each.ndim > 1 else each)
        elif self.smoothing:
            flat, wanted = _flat(outputs, targets)
            descended = functional.cross_entropy(flat, wanted, label_smoothing=self.smoothing)
            plain = self._plain(outputs.detach(), targets)
        else:
            descended = self._plain(outputs, targets)
            plain = descended.detach()
        if extra is not None:
            descended, plain = descended + extra, plain + extra.detach()
        return self._penalised(descended), plain

    def _hard(self, each: torch.Tensor) -> torch.Tensor:
        """The mean over the share of examples with the largest losses, at least one (Shrivastava et al. 2016)."""
        if self.hardest == 1.0:
            return each.mean()
        return each.topk(max(1, math.ceil(self.hardest * len(each)))).values.mean()

    @staticmethod
    def _of_mixed(outputs: torch.Tensor, targets: Mixed, smoothing: float) -> torch.Tensor:
        """The cross-entropy with the mixed targets, of each example [N]: linear in them, so two of single classes."""
        first, second = (
            functional.cross_entropy(outputs, y, label_smoothing=smoothing, reduction="none") for y in targets[:2]
        )
        return targets.share * first + (1 - targets.share) * second

    def _plain(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        assert self.plain is not None
        found: torch.Tensor = self.plain(*_flat(outputs, targets))
        return found

    def _penalised(self, descended: torch.Tensor) -> torch.Tensor:
        if self.l1:
            descended = descended + self.l1 * torch.stack([w.abs().sum() for w in self.penalised]).sum()
        return descended

    def _stepped(
        self, model: nn.Module, x: Any, y: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        assert self._step is not None
        found = self._step(model, x if y is None else (x, y))
        parts = found if isinstance(found, tuple) else (found,)
        if len(parts) not in (1, 3) or not torch.is_tensor(parts[0]) or parts[0].numel() != 1:
            cure = "it has to return the loss, a tensor of one number, or (loss, outputs, targets)"
            raise InputError("a step that gives no loss", (Fault("step", type(found).__name__, cure),))
        return (parts[0].reshape(()), *(parts[1:] or (None, None)))


def _of_each(loss: Any, arguments: Mapping[str, Any], hardest: float) -> Callable[..., torch.Tensor]:
    """The loss of each example. Raises InputError for one that only knows its mean."""
    kind = locate(CATALOGUE.family("loss")[loss].where) if isinstance(loss, str) else None
    if kind is None or "reduction" not in inspect.signature(kind).parameters:
        able = ", ".join(_able())
        cure = f"this loss is that of a batch, not of each example: leave it out, or take one of {able}"
        raise InputError("no hardest examples here", (Fault("hardest", hardest, cure),))
    made: Callable[..., torch.Tensor] = kind(**arguments, reduction="none")
    return made


def _able() -> list[str]:
    losses = CATALOGUE.family("loss").items()
    return [name for name, item in losses if "reduction" in inspect.signature(locate(item.where)).parameters]


def _apart(found: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(outputs, extra)."""
    if isinstance(found, tuple):
        outputs, extra = found
        return outputs, extra
    return found, None


def _flat(outputs: torch.Tensor, targets: torch.Tensor) -> Pair:
    """Tokens [N, steps] become rows, so that a loss of classes takes them."""
    if targets.ndim == 2 and outputs.ndim == 3 and not targets.is_floating_point():
        return outputs.flatten(0, 1), targets.flatten()
    return outputs, targets
