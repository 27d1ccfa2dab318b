"""Bad initialisation: the first loss is far above that of a constant predictor.

Question  How many times the baseline loss is the loss before the first step?
Formula   excess = initial / baseline - 1; later: the same of the first epoch's loss, where nobody measured the initial
          one; jumps = noise scale of the training loss / its level
Units     no unit: 1 is twice the baseline (log C for C balanced classes).
Ways      excess large; or the first epoch's loss, where training goes on smoothly: a wild start lifts it too.
Reaches   precision 1.00, recall 1.00 (18 said, 16 planted) on the tuning half, by limits set on its other families.
Source    TUM §VII; Karpathy's recipe and CS231n: the first loss of C classes is log C.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.case import TARGETS, Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array
from tuner.diagnosis.plain import number
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "bad_initialisation"

WAYS = (
    (Condition("excess", 0.828, 0.89, 1.0),),
    (Condition("later", 1.63, 2.24, 1.0), Condition("jumps", 0.0595, 0.0298, 0.05)),
)
LATER = 0.75
"""Of the confidence that is left where only the first epoch's loss is known."""


def measures(f: Features) -> dict[str, Array]:
    baseline = np.where((f.batch.baseline > 0) & ~f.batch.share, f.batch.baseline, np.nan)
    falls = f.has_train & (f.train.end < f.first) & np.isnan(f.batch.initial)
    return {
        "excess": f.batch.initial / baseline - 1,
        "later": np.where(falls, f.first / baseline - 1, np.nan),
        "jumps": ratio(f.train.late_sigma, f.train_unit),
    }


def find(f: Features) -> Hits:
    known = measures(f)
    confidence, _ = weigh(WAYS, known)
    measured = np.isfinite(f.batch.initial)
    return Hits(
        confidence * np.where(measured, 1.0, LATER),
        np.where(measured, np.nan, 1.0),
        {
            "excess": np.where(measured, known["excess"], known["later"]),
            "initial": np.where(measured, f.batch.initial, f.first) * f.batch.scale,
            "baseline": f.batch.baseline * f.batch.scale,
        },
    )


def says(case: Case) -> str:
    initial, baseline = case.evidence["initial"], case.evidence["baseline"]
    when = "in the first epoch" if case.since_epoch else "before the first step"
    return (
        f"the loss {when} is {number(initial)}, {initial / baseline:.1f} times the {number(baseline)} of a constant "
        "predictor: the first epochs go into undoing it"
    )


def remedies(case: Case) -> tuple[Remedy, ...]:
    """Of numbers, targets whose middle is far from 0 do it more often than weights: an untrained network says 0."""
    init = (
        case.switch(
            ("initialisation", "init"),
            "he",
            "He or Xavier initialisation",
            "activations keep their size from layer to layer",
            "T §VII",
        ),
        Remedy(
            "smaller weights in the last layer", "the first predictions are then all alike, at the baseline", "T §VII"
        ),
    )
    scale = case.switch(
        TARGETS,
        "standardised",
        "standardise inputs and targets",
        "large inputs or targets make a large first loss",
        "T §VII",
    )
    return (*init, scale) if case.history.num_classes else (scale, *init)
