"""What a symptom answers for a batch: where it holds, how surely, since when, and the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuner.diagnosis.padded import Array, Bools

SUREST = 0.99


@dataclass(frozen=True, slots=True)
class Hits:
    """All arrays are [B]; what stands in the rows without a hit means nothing."""

    hit: Bools
    confidence: Array
    """0.5 to 1."""
    since_epoch: Array
    """The epoch at which it began; NaN where no epoch can be named."""
    evidence: Mapping[str, Array] = field(default_factory=dict)
    """Name -> number, in the natural unit that the symptom's docstring names; NaN is left out of the finding."""


def sure(margin: Array, most: float | Array = SUREST) -> Array:
    """Confidence from how far the evidence lies beyond its limit: 0.5 at a margin of 0, near `most` from 3 on."""
    clean = np.nan_to_num(np.maximum(margin, 0.0), nan=0.0, posinf=1e9)
    confidence: Array = 0.5 + (most - 0.5) * (1 - np.exp(-clean))
    return confidence


def ratio(value: Array, by: Array) -> Array:
    """value / by where `by` is above zero; infinite or 0 otherwise, by the sign of `value`."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(by > 0, value / np.where(by > 0, by, 1.0), np.where(value > 0, np.inf, 0.0))
