"""What a task's targets are: what a network has to give for them, the losses that fit, the metrics that are reported.

Torch-free; `training/scores.py` computes the metrics. All metrics are means over examples, as `val_NAME` and
`train_NAME`, the latter on a sample of the training split in evaluation mode.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of target."""

    name: str
    loss: str
    """Where neither the sweep nor the task names one."""
    metrics: tuple[str, ...]
    """Names of `training.scores`, beside the loss."""
    says: str
    """Targets and outputs with their shapes."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind("classes", "cross_entropy", ("accuracy",), "a class number [N]; outputs [N, classes]"),
        Kind("values", "mse", ("rmse", "mae"), "numbers [N, values]; outputs alike"),
        Kind("mask", "bce_with_logits", ("iou", "dice"), "0 or 1 [N, channels, height, width]; outputs: logits, alike"),
        Kind("tokens", "cross_entropy", ("bits", "accuracy"), "a token [N, steps]; outputs [N, steps, vocabulary]"),
        Kind("itself", "mse", ("rmse",), "the inputs themselves, before augmentation; outputs alike"),
    )
}

REPORTED = ("train_loss", "train_eval_loss", "val_loss", "grad_norm", "lr")
"""Of every task, each epoch. `train_loss` is the mean over the epoch in training mode; `train_eval_loss` and the
`train_` metrics are measured after it, in evaluation mode, on a sample of the training split."""
HIGHER_IS_BETTER = ("accuracy", "iou", "dice")


def reported(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """All names that a task with these metrics reports."""
    return (*REPORTED, *(f"{split}_{name}" for split in ("train", "val") for name in metrics))
