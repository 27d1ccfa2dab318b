"""The night's best configuration beside those of the comparable nights: each is one value, and none can be repeated.

Formula  z = (tonight − median) / (width × √(1 + 1/n)), with the winsorised width of the n last nights' bests, judged
         by Student's t with four degrees of freedom however many nights there are: a search's best has heavy tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.noise import noise_width

NIGHTS = 5
"""Fewer say nothing of how far bests lie apart."""
LOOKED_AT = 30


@dataclass(frozen=True, slots=True)
class BestFigures:
    effect: float
    """How much worse than usual."""
    usual: float
    noise: float
    nights: int
    worse: float
    """One-sided p-value."""
    better: float


def best_figures(tonight: Figures, nights: Sequence[Figures], sign: float) -> BestFigures | None:
    """`nights`: comparable ones, oldest first; those without a best, or with an infinite one, are passed over."""
    known = [night.best for night in nights if night.best is not None and math.isfinite(night.best)][-LOOKED_AT:]
    if tonight.best is None or len(known) < NIGHTS:
        return None
    values = sign * np.array(known)
    usual, width = float(np.median(values)), noise_width([values]) or 0.0
    effect = sign * tonight.best - usual
    unsure = width * math.sqrt(1 + 1 / len(known))
    z = effect / unsure if unsure else math.copysign(math.inf, effect) if effect else 0.0
    return BestFigures(effect, sign * usual, width, len(known), beyond(z), beyond(-z))


def beyond(t: float) -> float:
    """Chance that Student's t with four degrees of freedom is `t` or more: with c = t / √(4 + t²), which is the
    correlation it belongs to, (1 − c)² (2 + c) / 4; 1 − c is written so that far out it keeps its digits."""
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    if t < 0:
        return 1.0 - beyond(-t)
    square = t * t / 4
    c = math.sqrt(square / (1 + square))
    rest = 1 / ((1 + square) * (1 + c))
    return rest * rest * (2 + c) / 4
