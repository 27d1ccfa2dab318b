"""What a trial reports after each epoch, and what is known of a trial before its first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.values import Metrics, Scalar

RAISED, OUT_OF_MEMORY, LOST, EVICTED, SILENT = "raised", "out_of_memory", "lost", "evicted", "silent"
PREEMPTED, STORAGE = "preempted", "storage"
"""Kinds of failure."""


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One epoch's numbers of one trial. Epochs count from 1."""

    epoch: int
    metrics: Metrics
    seconds: float = 0.0
    """Wall seconds of this epoch, training and evaluation together."""
    data_seconds: float | None = None
    """Those of them in which training waited for its next batch; None where nobody measured it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a trial's problem before its first epoch; what is not known is None."""

    initial_loss: float | None = None
    """Training loss of the untrained network, evaluation mode, natural units of the loss."""
    baseline_loss: float | None = None
    """The best constant predictor's loss: class entropy, or the variance for MSE."""
    num_classes: int | None = None
    n_train: int | None = None
    n_val: int | None = None
    n_parameters: int | None = None
    """Trainable weights of the model."""
    steps_per_epoch: int | None = None
    """Updates of the weights in one epoch (the reported losses are one value an epoch all the same)."""
    train_eval: str | None = None
    """How `train_loss` is measured: `epoch_mean` or `after_epoch`."""
    device: str | None = None
    data_hash: str | None = None
    """Of the training and validation data, so that two sweeps know whether they saw the same."""
    extra: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """One message from a trial's worker to the controller: an epoch is done."""

    trial: str
    attempt: int
    epoch: EpochMetrics
    finished: str | None = None
    """Why the trial ends of its own will at this epoch (`patience 5`), else None."""
    facts: Facts | None = None
    """With the first report of an attempt."""
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One message from a trial's worker to the controller: it cannot go on."""

    trial: str
    attempt: int
    kind: str
    """`raised` (the user's or our code), `out_of_memory`, `lost` (the worker or its node), `evicted` (the worker was
    ended as its node was short of memory), `preempted` (its node was taken away, and that had been said), `storage`
    (its checkpoint could not be written), `silent`."""
    message: str
    """One line; for `raised`: exception type and text."""
    traceback: str = ""
    node: str | None = None
    node_gone: bool = False
    """Whether the whole node is, rather than one worker on it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is asked to train."""

    trial: str
    """`0017`: the trial's number in four digits or more."""
    attempt: int
    """1 for the first start; one more after each loss of a worker, retry and resume."""
    config: Mapping[str, Scalar]
    seed: int
    """Of this trial: weights, order of the data, dropout."""
    max_epochs: int
    after_epoch: int = 0
    """The last epoch that the journal holds: the worker restores its checkpoint and goes on after it."""
