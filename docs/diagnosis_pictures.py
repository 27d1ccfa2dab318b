"""Draws a history as a small SVG: both losses, what is known beside them, the epoch since which the finding holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

WIDE, HIGH = 660, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 12, 34
COLOURS = {"train_loss": "#1f6fb4", "val_loss": "#d9541e", "train_eval_loss": "#5b8c3a", "baseline": "#888888"}
LABELS = {
    "train_loss": "training",
    "val_loss": "validation",
    "train_eval_loss": "training, evaluated",
    "baseline": "constant predictor",
}
LOGARITHMIC_FROM = 40
"""Highest over lowest value from which the axis is logarithmic."""
FLAT = 0.2
"""Of the level: a span that the axis shows at least."""
APART = 15
"""Pixels between two labels at least."""

Point = tuple[float, float]


def picture(item: Mapping[str, Any], title: str, since_epoch: int | None = None, baseline: bool = False) -> str:
    """`item` as an object of a history file; `baseline` draws the constant predictor's loss where it is known."""
    curves = {name: [float(value) for value in item[name]] for name in LABELS if name in item}
    epochs = item.get("epoch") or list(range(1, len(curves["train_loss"]) + 1))
    lines = {name: list(zip(map(float, epochs), values, strict=True)) for name, values in curves.items()}
    first = item.get("initial_loss")
    if first is not None and math.isfinite(float(first)):
        lines["train_loss"].insert(0, (0.0, float(first)))
    if baseline and item.get("baseline_loss") is not None:
        level = float(item["baseline_loss"])
        lines["baseline"] = [(float(epochs[0]), level), (float(epochs[-1]), level)]
    finite = [y for line in lines.values() for _, y in line if math.isfinite(y)]
    start = min(x for line in lines.values() for x, _ in line)
    across = _across(start, float(epochs[-1]))
    up, ticks = _up(finite)
    parts = [_frame(across, up, ticks, start, int(epochs[-1]))]
    if since_epoch is not None and len(epochs) > 1:
        parts.append(_since(across(float(since_epoch)), since_epoch))
    parts += [_line(name, [(across(x), up(y)) for x, y in line if math.isfinite(y)]) for name, line in lines.items()]
    parts += [_cross(across(x)) for x, y in lines["train_loss"] if not math.isfinite(y)]
    parts += _labels({name: up(line[-1][1]) for name, line in _ending(lines).items()})
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" '
        f'font-family="system-ui, sans-serif" font-size="12">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _across(first: float, last: float) -> Callable[[float], float]:
    span = max(last - first, 1.0)
    return lambda x: LEFT + (x - first) / span * (WIDE - LEFT - RIGHT)


def _up(values: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands, and the values that the axis names."""
    low, high = min(values), max(values)
    inside = HIGH - TOP - BOTTOM
    if low > 0 and high / low > LOGARITHMIC_FROM:
        bottom, top = math.log10(low), math.log10(high)
        ticks = [m * 10.0**d for d in range(math.floor(bottom), math.ceil(top)) for m in (1, 2, 5)]
        inner = [tick for tick in ticks if low <= tick <= high]
        decades = [tick for tick in inner if math.log10(tick).is_integer()]
        named = decades if len(decades) > 1 else inner
        return lambda y: TOP + (top - math.log10(y)) / (top - bottom) * inside, named[:: max(1, len(named) // 4)]
    if high - low < FLAT * abs(high):  # or noise would look like a mountain
        low, high = low - FLAT / 2 * abs(high), high + FLAT / 2 * abs(high)
    step = _step(max(high - low, 1e-9))
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    count = round((top - bottom) / step)
    return lambda y: TOP + (top - y) / (top - bottom) * inside, [bottom + step * i for i in range(count + 1)]


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten, some four of them in the span."""
    unit = 10.0 ** math.floor(math.log10(span / 4))
    return unit * next(size for size in (1, 2, 5, 10) if unit * size * 4.5 >= span)


def _frame(
    across: Callable[[float], float], up: Callable[[float], float], ticks: list[float], first: float, last: int
) -> str:
    rows = []
    for tick in ticks:
        y = up(tick)
        rows.append(f'<path d="M{LEFT} {y:.1f}H{WIDE - RIGHT}" stroke="#e4e4e4"/>')
        rows.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555555">{tick:.4g}</text>')
    middle = round((first + last) / 2)
    for epoch in sorted({int(first), middle, last}):
        x = across(float(epoch))
        rows.append(f'<text x="{x:.1f}" y="{HIGH - 18}" text-anchor="middle" fill="#555555">{epoch}</text>')
    centre = (LEFT + WIDE - RIGHT) / 2
    rows.append(f'<text x="{centre:.1f}" y="{HIGH - 3}" text-anchor="middle" fill="#555555">epoch</text>')
    return "\n".join(rows)


def _since(x: float, epoch: int) -> str:
    anchor, aside = ("end", -5) if x > LEFT + (WIDE - LEFT - RIGHT) / 2 else ("start", 5)
    return (
        f'<path d="M{x:.1f} {TOP}V{HIGH - BOTTOM}" stroke="#333333" stroke-dasharray="3 3"/>\n'
        f'<text x="{x + aside:.1f}" y="{TOP + 10}" text-anchor="{anchor}" fill="#333333">since {epoch}</text>'
    )


def _line(name: str, points: list[Point]) -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="6 4"' if name == "baseline" else ""
    line = f'<path d="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.8"{dashes}/>'
    if len(points) > 20 or name == "baseline":
        return line
    return line + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{COLOURS[name]}"/>' for x, y in points)


def _cross(x: float) -> str:
    """A training loss that is NaN or infinite, at the upper edge."""
    return f'<path d="M{x - 4:.1f} {TOP}l8 8m0 -8l-8 8" stroke="{COLOURS["train_loss"]}" stroke-width="1.8"/>'


def _ending(lines: Mapping[str, list[Point]]) -> dict[str, list[Point]]:
    ending = {name: [point for point in line if math.isfinite(point[1])] for name, line in lines.items()}
    return {name: line for name, line in ending.items() if line}


def _labels(ends: Mapping[str, float]) -> list[str]:
    """Each line's name beside its end, moved apart where two would meet."""
    places, last = [], -math.inf
    for name, y in sorted(ends.items(), key=lambda end: end[1]):
        last = max(y + 4, last + APART)
        places.append((name, last))
    over = max(0.0, last - (HIGH - BOTTOM + 8))
    return [
        f'<text x="{WIDE - RIGHT + 8}" y="{y - over:.1f}" fill="{COLOURS[name]}">{LABELS[name]}</text>'
        for name, y in places
    ]
