"""The night's best configuration beside those of the comparable nights: each is one value, and none can be repeated.

The last of those nights' best, the *champion*, is trained again every night, so that a search that finds nothing new
does as well as the last one. Where it is known, tonight's best is compared with the champion's own values. A best that
is better and is another configuration is a find: luck of the search, and no news of the code.

Formula  z = (tonight − median) / (width × √(1 + 1/n)): the median of the n values of the champion (of all nights' bests
         where it is not known), the winsorised width of all nights' bests, judged by Student's t with four degrees of
         freedom however many nights there are: a search's best has heavy tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.noise import noise_width

NIGHTS = 5
"""Fewer say nothing of how far bests lie apart."""
LOOKED_AT = 30


@dataclass(frozen=True, slots=True)
class BestFigures:
    effect: float
    """How much worse than usual."""
    found: bool
    """Tonight's best is another configuration than the champion."""
    usual: float
    noise: float
    nights: int
    worse: float
    """One-sided p-value."""
    better: float


def best_figures(tonight: Figures, nights: Sequence[Figures], sign: float) -> BestFigures | None:
    """`nights`: comparable ones, oldest first; those without a best, or with an infinite one, are passed over."""
    known = [night for night in nights if night.best is not None and math.isfinite(night.best)][-LOOKED_AT:]
    if tonight.best is None or len(known) < NIGHTS:
        return None
    champion = known[-1].best_config
    own = [night for night in known if night.best_config == champion] if champion is not None else known
    width = noise_width([_badness(known, sign)]) or 0.0
    usual = float(np.median(_badness(own, sign)))
    effect = sign * tonight.best - usual
    unsure = width * math.sqrt(1 + 1 / len(own))
    z = effect / unsure if unsure else math.copysign(math.inf, effect) if effect else 0.0
    found = tonight.best_config != champion
    return BestFigures(effect, found, sign * usual, width, len(own), beyond(z), beyond(-z))


def _badness(nights: Sequence[Figures], sign: float) -> NDArray[np.float64]:
    return sign * np.array([night.best for night in nights], dtype=float)


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
