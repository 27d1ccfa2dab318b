"""Train-eval mismatch: the training set measured in evaluation mode does much worse than during training.

Question  Over the last half, how far above the epoch's own training loss does the same data lie in evaluation mode?
Formula   above = median(train_eval_loss - train_loss) / max(|t_best|, gain / 5); sigmas: the same over its noise
Units     no unit.
Ways      above over its limit and standing out of the noise, from five points on. While training gains, the loss after
          the epoch is the lower one, and dropout and augmentation lift the loss during training: both only hide it.
Reaches   precision 1.00, recall 1.00 (15 said, 14 planted) on the tuning half, by limits set on its other families.
Source    TUM §VIII: the statistics of batch normalisation at small batches.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent
from tuner.diagnosis.smooth import masked_median
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "train_eval_mismatch"

WAYS = ((Condition("above", 0.16, 0.198, 0.1), Condition("sigmas", 1.86, 3.27, 3.0)),)
SMALL_BATCH = 8


def measures(f: Features) -> dict[str, Array]:
    after, train = f.after, f.train
    width = min(after.curve.value.shape[1], train.curve.value.shape[1])
    n = np.minimum(after.n, train.n)
    position = np.arange(width)[None, :]
    late = (position >= (n // 2)[:, None]) & (position < n[:, None])
    above = masked_median(after.curve.value[:, :width] - train.curve.value[:, :width], late)
    error = np.hypot(after.sigma, train.sigma) * 1.25 / np.sqrt(np.maximum(n - n // 2, 1))
    return {
        "above": np.where(f.has_after & (n >= 5), ratio(above, f.train_unit), np.nan),
        "sigmas": ratio(above, error),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    return Hits(
        confidence,
        np.full(len(confidence), np.nan),
        {
            "above": known["above"],
            "train_end": f.train.end * f.batch.scale,
            "train_eval_end": f.after.end * f.batch.scale,
        },
    )


def says(case: Case) -> str:
    above = percent(case.evidence["above"])
    return f"in evaluation mode the loss of the training set itself is {above} above what it was during training"


def remedies(case: Case) -> tuple[Remedy, ...]:
    batch = case.number(of.BATCH)
    small = batch is not None and batch[1] < SMALL_BATCH
    return (
        case.switch(
            ("normalisation", "norm"),
            "layer",
            "layer or group normalisation",
            "the statistics of a small batch are not those of the data",
            "T §VIII",
        ),
        case.change(
            of.BATCH,
            lambda old: 32 if small else old * 2,
            "larger batch",
            "batch statistics of more samples are steadier",
            "T §VIII",
        ),
        case.augmentation(
            0.5, "weaker augmentation", "the network is evaluated on images that it is never shown", "T §VIII"
        ),
    )
