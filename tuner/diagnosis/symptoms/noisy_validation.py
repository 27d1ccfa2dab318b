"""Noisy validation: training is smooth while validation jumps about.

Question  How far does validation move from epoch to epoch around its own trend, against training?
Formula   jumps = sigma_v / max(|v_best|, gain / 5), train_jumps likewise; sigma: from second differences.
Units     no unit: 0.1 is a tenth of the level.
Hit       jumps above LIMIT and more than RATIO times the training loss's.
Source    Boudart, course 2 §4.2: the validation set has too few samples.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio, sure
from tuner.diagnosis.plain import percent
from tuner.records.finding import Remedy

NAME = "noisy_validation"

LIMIT = 0.06
SHORT_LIMIT = 0.12
"""Of seven points and fewer."""
RATIO = 3.0


def find(f: Features) -> Hits:
    jumps = ratio(f.val.late_sigma, f.val_unit)
    train_jumps = ratio(f.train.late_sigma, f.train_unit)
    limit = np.where(f.val.n < 8, SHORT_LIMIT, LIMIT)
    hit = f.has_train & (f.val.n >= 5) & (jumps > limit) & (jumps > RATIO * train_jumps)
    return Hits(
        hit,
        sure(jumps / limit - 1, np.where(f.val.n <= 10, 0.8, 0.95)),
        np.full(len(jumps), np.nan),
        {"jumps": jumps, "train_jumps": train_jumps, "sigma": f.val.late_sigma * f.batch.scale},
    )


def says(case: Case) -> str:
    return (
        f"validation loss jumps by {percent(case.evidence['jumps'])} from epoch to epoch, training loss by "
        f"{percent(case.evidence['train_jumps'])}"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    samples = case.history.n_val
    few = f"{samples} samples are few: " if samples is not None and samples < 1000 else ""
    return (
        Remedy("more validation samples", few + "four times as many halve the noise", "B §4.2"),
        Remedy("average the last epochs", "do not select on one epoch's luck", "B §4.2"),
        Remedy("K-fold validation", "every sample is used for validation once", "B §4.2"),
    )
