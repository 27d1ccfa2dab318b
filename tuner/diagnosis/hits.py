"""What a symptom answers for a batch: how surely it holds, since when, and the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuner.diagnosis.padded import Array

LEAST = 0.5
"""No finding is said with less confidence."""


@dataclass(frozen=True, slots=True)
class Hits:
    """All arrays are [B]; what else stands in the rows without confidence means nothing."""

    confidence: Array
    """0 to 1; said from `LEAST` on."""
    since_epoch: Array
    """The epoch at which it began; NaN where no epoch can be named."""
    evidence: Mapping[str, Array] = field(default_factory=dict)
    """Name -> number, in the natural unit that the symptom's docstring names; NaN is left out of the finding."""


def ratio(value: Array, by: Array) -> Array:
    """value / by where `by` is above zero; infinite or 0 otherwise, by the sign of `value`.

    What overflows is infinite; the engine says once that this is no error, since saying it takes as long as dividing.
    """
    above = by > 0
    if above.all():
        out: Array = value / by
        return out
    return np.where(above, value / np.where(above, by, 1.0), np.where(value > 0, np.inf, 0.0))
