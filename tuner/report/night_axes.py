"""The axes of the nights' charts: places in a picture, grid lines, labels that keep clear of each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.report.curve_drawing import log_ticks, ticks
from tuner.report.wording import number

LETTER = 7.4
"""Mean width of a letter at the charts' 12 px."""
BOLD_LETTER = 8.2
"""The same of bold ones."""
LINE = 14.0
MOST = 1e100
"""What is larger is drawn as if it were infinite: sums and spans stay numbers."""


def drawable(value: float | None) -> bool:
    """A number that has a place in a picture."""
    return value is not None and abs(value) <= MOST  # NaN compares false


@dataclass(frozen=True, slots=True)
class Panel:
    """A frame and the range of values that it shows. What lies beyond the range is put on its edge."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float
    first: float = 0.0
    last: float = 1.0
    log: bool = False

    def x(self, at: float) -> float:
        share = (at - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, inside))
        share = (at / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5  # halves: the span may overflow
        return self.bottom - share * (self.bottom - self.top)

    def grid(self) -> Iterator[str]:
        """Lines across, each with its value at the left."""
        values = (log_ticks if self.log else ticks)(self.low, self.high)
        while len(values) > 2 and self.bottom - self.top < 1.6 * LINE * len(values):
            values = values[::2]
        for value, label in zip(values, labels(values), strict=True):
            y = self.y(value)
            yield f'<path class="grid" d="M{self.left:.0f} {y:.1f}H{self.right:.0f}"/>'
            yield f'<text x="{self.left - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def labels(values: Sequence[float]) -> list[str]:
    """With as many digits as tell them apart: `0.235`, `0.240`."""
    span = min((abs(b - a) for a, b in pairwise(values)), default=0.0)
    if not 1e-7 < span < 1e5 or max(map(abs, values)) >= 1e6:
        return [number(value, 3) for value in values]
    digits = max(0, math.ceil(-math.log10(span) - 1e-9))
    digits += any(abs(round(value, digits) - value) > span / 100 for value in values)  # 0.15 and 0.25
    return [f"{value:.{digits}f}" for value in values]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """The range with room above and below; never an empty one."""
    largest = max(abs(low), abs(high))
    span = high / 2 - low / 2
    if span <= 1e-12 * largest or largest < 1e-100:
        span = largest / 4 if largest >= 1e-100 else 0.5
        low, high = low - span, high + span
    return low - 2 * share * span, high + 2 * share * span


def steps(stretch: Sequence[tuple[float, float, float]]) -> str:
    """A line that is level within each of (left, right, height)."""
    moves, pen = "", None
    for left, right, height in stretch:
        moves += f"M{left:.1f} {height:.1f}" if pen is None else "" if pen == height else f"V{height:.1f}"
        moves += f"H{right:.1f}"
        pen = height
    return moves


def between(stretch: Sequence[tuple[float, float, float, float]]) -> str:
    """The area between the two heights of each of (left, right, one, other)."""
    there = steps([(left, right, one) for left, right, one, _ in stretch])
    back = steps([(right, left, other) for left, right, _, other in reversed(stretch)])
    return f"{there}L{back[1:]}Z" if stretch else ""


def apart(heights: Sequence[float], low: float, high: float) -> list[float]:
    """The heights of labels, moved as little as keeps them a LINE apart and inside; in the given order."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    placed, floor = list(heights), low
    for place in order:
        placed[place] = floor = max(heights[place], floor)
        floor += LINE
    ceiling = high
    for place in reversed(order):
        placed[place] = ceiling = min(placed[place], ceiling)
        ceiling -= LINE
    return placed
