"""Noisy validation: training is smooth while validation jumps about.

Question  How far does validation move from epoch to epoch around its own trend, against training?
Formula   jumps = sigma_v / max(|v_best|, gain / 5), train_jumps likewise; sigma: from second differences;
          times = jumps / train_jumps; wobble: the same with the mean distance from the neighbours' mean as sigma.
Units     no unit: 0.1 is a tenth of the level.
Ways      jumps and times above their limits, from five points on; or wobble and its times: a few large jumps instead
          of many.
Reaches   precision 0.89, recall 1.00 (27 said, 18 planted) on the tuning half, by limits set on its other families.
Source    Boudart, course 2 §4.2: the validation set has too few samples.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import percent
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "noisy_validation"

WAYS = (
    (Condition("wobble", 0.163, 0.31, 0.1), Condition("wobble_times", 3.55, 5.65, 3.0)),
    (Condition("jumps", 0.0449, 0.0714, 0.1), Condition("times", 6.11, 18.5, 3.0)),
)


def measures(f: Features) -> dict[str, Array]:
    jumps = ratio(f.val.late_sigma, f.val_unit)
    train_jumps = ratio(f.train.late_sigma, f.train_unit)
    wobble, train_wobble = ratio(f.val.wobble, f.val_unit), ratio(f.train.wobble, f.train_unit)
    return {
        "jumps": np.where(f.has_train & (f.val.n >= 5), jumps, np.nan),
        "train_jumps": train_jumps,
        "train_wobble": train_wobble,
        "wobble": np.where(f.has_train & (f.val.n >= 5), wobble, np.nan),
        "wobble_times": ratio(wobble, np.maximum(train_wobble, 1e-6)),
        "times": ratio(jumps, np.maximum(train_jumps, 1e-6)),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, (leaps, jumps) = weigh(WAYS, known)
    seldom = leaps > jumps  # a few large jumps: their mean says more than the median
    return Hits(
        confidence,
        np.full(len(confidence), np.nan),
        {
            "jumps": np.where(seldom, known["wobble"], known["jumps"]),
            "train_jumps": np.where(seldom, known["train_wobble"], known["train_jumps"]),
            "sigma": f.val.late_sigma * f.batch.scale,
        },
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
