"""A curve in one line of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
NOT_FINITE = "×"
GAP = " "
LOG_FROM = 30.0
"""Positive values that span more than this ratio are drawn by their logarithm: a loss that fell from 2.3 to 0.02 would
be a step and a flat line otherwise. A choice of looks; nothing is judged by it."""


def sparkline(values: Sequence[float | None], width: int = 20) -> str:
    """The curve in at most `width` characters; `×` where it was not finite, a blank where nothing was measured."""
    if not values or width < 1:
        return ""
    shown = _thin(values, width)
    finite = [value for value in shown if value is not None and math.isfinite(value)]
    if not finite:
        return "".join(_mark(value, 0.0, 0.0, False) for value in shown)
    log = min(finite) > 0 and max(finite) / min(finite) > LOG_FROM
    low, high = min(finite), max(finite)
    if log:
        low, high = math.log(low), math.log(high)
    return "".join(_mark(value, low, high, log) for value in shown)


def _thin(values: Sequence[float | None], width: int) -> list[float | None]:
    """Evenly spaced points, the first and the last among them."""
    if len(values) <= width:
        return list(values)
    if width == 1:
        return [values[-1]]
    step = (len(values) - 1) / (width - 1)
    return [values[round(place * step)] for place in range(width)]


def _mark(value: float | None, low: float, high: float, log: bool) -> str:
    if value is None:
        return GAP
    if not math.isfinite(value):
        return NOT_FINITE
    height = math.log(value) if log else value
    if not high / 2 > low / 2:
        return BLOCKS[0]
    share = (height / 2 - low / 2) / (high / 2 - low / 2)  # halves: the difference of two large floats stays finite
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]
