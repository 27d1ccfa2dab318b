"""The sentences of a verdict: numbers as exact as the noise lets them be, the metric by its name."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers of one metric are written."""

    metric: str
    decimals: int

    @classmethod
    def of(cls, metric: str, *sizes: float | None) -> Scale:
        """Decimals that show the smallest of `sizes` by one digit, by two where it begins with 1 or 2; 4 where there is
        none to go by."""
        known = [size for size in sizes if size is not None and math.isfinite(size) and size != 0]
        if not known:
            return cls(metric, 4)
        return cls(metric, min(10, max(0, -math.floor(math.log10(min(abs(size) for size in known) / 3)))))

    def number(self, value: float) -> str:
        return f"{value:.{self.decimals}f}" if math.isfinite(value) else "infinite"

    def change(self, effect: float, old: float) -> str:
        """`effect`: new less old, in the metric's unit. `0.018 (8 %) above`."""
        if not math.isfinite(effect):
            return "infinitely far above" if effect > 0 else "infinitely far below"
        if self.number(abs(effect)) == self.number(0.0):
            return "no more than rounding from"
        share = ""
        if old != 0 and math.isfinite(old):
            part = 100 * abs(effect) / abs(old)
            share = f" ({part:.0f} %)" if part >= 0.95 else f" ({part:.1f} %)"
        return f"{self.number(abs(effect))}{share} {'above' if effect > 0 else 'below'}"

    def width(self, noise: float | None, seeds: int) -> str:
        """`noise width 0.004, 10 seeds`."""
        told = "noise width unknown" if noise is None else f"noise width {self.number(noise)}"
        return f"{told}, {counted(seeds, 'seed')}"


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"
