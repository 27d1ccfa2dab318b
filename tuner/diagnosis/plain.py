"""Numbers as a person says them."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """0.314 -> '31 %'; small shares keep a digit, and ten times or more is said as times."""
    size = abs(share)
    if not math.isfinite(size):
        return "beyond measure"
    if size >= 10:
        return f"{size:.0f}-fold"
    if size >= 0.095:
        return f"{100 * size:.0f} %"
    return f"{100 * size:.1f} %"


def number(value: float) -> str:
    """Three digits, no exponent where none is needed: 0.213, 1.2e-05, 1,250."""
    if not math.isfinite(value):
        return {True: "infinite", False: "minus infinity"}[value > 0] if not math.isnan(value) else "NaN"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e3 <= size < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def epochs(count: float) -> str:
    whole = round(count)
    return f"{whole} epoch" if whole == 1 else f"{whole} epochs"


def since(epoch: int | None) -> str:
    return "" if epoch is None else f" since epoch {epoch}"
