"""How far trainings of one configuration on different seeds lie apart: a noise width.

Formula  each night's values less their centre, all nights together; the lowest and highest fifth moved to their
         neighbours (winsorised), the standard deviation of that divided by 0.642, what it is for a normal distribution
         of width 1. A seed that failed to train does not widen it.
Source   Tukey and McLaughlin (1963); Wilcox, Introduction to Robust Estimation, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tuner.nightly.verdict.ranks import Values, centre

CUT = 0.2
_NORMAL = 0.6426
"""Square root of the variance of a standard normal whose outer fifths were moved to the quantiles ±0.8416."""


def noise_width(groups: Sequence[Values]) -> float | None:
    """None with fewer than two values to a group, or where the middle ones are infinitely bad."""
    parts = [group - middle for group in groups if len(group) > 1 and math.isfinite(middle := centre(group))]
    if not parts:
        return None
    freedom = sum(len(part) - 1 for part in parts)
    values = np.sort(np.concatenate(parts))
    cut = int(CUT * len(values))
    held = np.clip(values, values[cut], values[len(values) - 1 - cut])
    if not np.isfinite(held).all():
        return None
    usual = _NORMAL if cut else 1.0
    return float(np.sqrt(((held - held.mean()) ** 2).sum() / freedom)) / usual
