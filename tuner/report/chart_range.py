"""The range of values that a chart of many trials shows: what went astray must not press all others into one line.

Range  from the best value to the worst of those that are among the better SHOWN of all and no farther beyond the median
       than FAR times the median's distance from the best. What is worse lies on the chart's edge.
"""

from __future__ import annotations

from collections.abc import Iterable

from tuner.report.curve_drawing import WIDE
from tuner.report.night_axes import Panel, drawable, padded

SHOWN = 0.95
FAR = 4.0


def usual(values: Iterable[float], mode: str) -> list[float]:
    """Those in the range, best first; finite ones alone."""
    sign = 1.0 if mode == "min" else -1.0
    ordered = sorted((value for value in values if drawable(value)), key=lambda value: sign * value)
    ordered = ordered[: max(2, round(SHOWN * len(ordered)))]
    if not ordered:
        return []
    best, median = ordered[0], ordered[len(ordered) // 2]
    limit = abs(median - best) * (1 + FAR)
    return [value for value in ordered if limit == 0 or abs(value - best) <= limit]


def panel(values: Iterable[float], mode: str, left: float, right: float, top: float, bottom: float) -> Panel | None:
    """Its vertical axis, logarithmic where it spans a factor of WIDE; None without a finite value."""
    shown = usual(values, mode)
    if not shown:
        return None
    low, high = min(shown), max(shown)
    log = low > 0 and high > WIDE * low
    low, high = (low / 1.1, high * 1.1) if log else padded(low, high)
    return Panel(left, right, top, bottom, low, high, log=log)
