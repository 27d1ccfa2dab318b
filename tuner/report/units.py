"""In which unit a metric is, as far as its name says: every number of a report has one."""

from __future__ import annotations

SHARES = ("accuracy", "top5", "f1", "auc", "precision", "recall", "iou", "dice")
"""Of 1; the ends of metrics' names."""
OF_TARGETS = ("rmse", "mae", "max_error")


def unit(name: str) -> str:
    """A few words; empty where the name says nothing."""
    short = name.lower()
    if short == "lr":
        return "size of a step, set by the schedule"
    if short == "grad_norm":
        return "Euclidean norm of the gradient, mean of the epoch's steps"
    if short.endswith("loss"):
        return "mean over the examples, in the loss's own unit"
    if short.endswith(SHARES):
        return "a share, from 0 to 1"
    if short.endswith("r2"):
        return "a share of the variance, at most 1"
    if short.endswith(OF_TARGETS):
        return "in the targets' unit"
    if short.endswith("perplexity"):
        return "as many equally likely choices"
    if short.endswith(("bits", "bpc")):
        return "bits"
    return ""


def metric(name: str, mode: str) -> str:
    """Of what the sweep looks for: `val_loss: mean over the examples, in the loss's own unit; lower is better`."""
    better = "lower is better" if mode == "min" else "higher is better"
    return f"{name}: {', '.join(part for part in (unit(name), better) if part)}"
