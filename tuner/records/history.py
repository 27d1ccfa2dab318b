"""One trial's curves and what is known about it: what the diagnosis reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.values import Scalar

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """Curves of one trial from epoch 1, or from anywhere.

    All curves that are measured once an epoch have the length of `epoch`. A value that was not measured is NaN *and*
    True in `missing`; NaN that is not missing, and infinities, are what the training produced. With `steps_per_epoch`,
    `train_loss` holds one value a step: its length is about `steps_per_epoch` times that of the others.
    """

    id: str
    curves: Mapping[str, Curve]
    """`train_loss`, `val_loss`, `train_accuracy`, `grad_norm`, `seconds`, ...: float64, one dimension."""
    epoch: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    missing: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """For curves with gaps alone: True where nothing was measured."""
    steps_per_epoch: int | None = None
    """Given only where `train_loss` holds one value a step."""
    train_eval: str | None = None
    initial_loss: float | None = None
    baseline_loss: float | None = None
    num_classes: int | None = None
    n_train: int | None = None
    n_val: int | None = None
    max_epochs: int | None = None
    task: str | None = None
    config: Mapping[str, Scalar] = field(default_factory=dict)
    """The trial's configuration by recorded name, `lr`, `batch_size` and `optimizer` among it where known."""
    gaps_unknown: bool = False
    """The source could not tell `not measured` from `not finite`: trailing gaps say nothing then."""

    @classmethod
    def from_epochs(
        cls,
        id: str,
        epochs: Iterable[EpochMetrics],
        facts: Facts | None = None,
        *,
        config: Mapping[str, Scalar] | None = None,
        max_epochs: int | None = None,
        task: str | None = None,
    ) -> History:
        """The history of a trial of ours; a metric absent from an epoch is missing there."""
        rows = sorted(epochs, key=lambda row: row.epoch)
        names = list(dict.fromkeys(name for row in rows for name in row.metrics))
        curves, missing = {}, {}
        for name in names:
            gaps = np.array([name not in row.metrics for row in rows], bool)
            curves[name] = np.array([row.metrics.get(name, np.nan) for row in rows], np.float64)
            if gaps.any():
                missing[name] = gaps
        curves["seconds"] = np.array([row.seconds for row in rows], np.float64)
        facts = facts or Facts()
        return cls(
            id=id,
            curves=curves,
            epoch=np.array([row.epoch for row in rows], np.int64),
            missing=missing,
            train_eval=facts.train_eval,
            initial_loss=facts.initial_loss,
            baseline_loss=facts.baseline_loss,
            num_classes=facts.num_classes,
            n_train=facts.n_train,
            n_val=facts.n_val,
            max_epochs=max_epochs,
            task=task,
            config=dict(config or {}),
        )
