"""Runs overlaid as pictures: their best trials over the epochs, and their best so far over trials and over seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records.comparison import Comparison, Side
from tuner.report.curve_drawing import WIDE, ticks
from tuner.report.night_axes import LINE, Panel, apart, drawable, padded
from tuner.report.page_sections import escape
from tuner.report.wording import number, printable

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 372, 240, 52, 26, 14, 34
MOST = 300
"""Points a curve."""
FALLS = 4.0
"""A best value so far that falls by more is drawn on a logarithmic scale: runs differ where it ends."""


@dataclass(frozen=True, slots=True)
class _Curve:
    label: str
    look: str
    points: tuple[tuple[float, float], ...]
    level: bool = False
    """Level until the next point: a best value so far."""


def curves(found: Comparison) -> str:
    """The key and the figures; a sentence where nothing was recorded."""
    sides = found.sides
    if found.metric is None:
        figures = [_figure(name, "epoch", [_of_best(side, name) for side in sides]) for name in _shared(sides)]
    else:
        names = dict.fromkeys((found.metric, *_shared(sides)))
        figures = [
            _figure(
                f"Best so far: {found.metric}", "seconds trained", [_over(side, side.over_seconds) for side in sides]
            ),
            _figure(f"Best so far: {found.metric}", "trials ended", [_over(side, side.over_trials) for side in sides]),
            *(_figure(f"Best trials: {name}", "epoch", [_of_best(side, name) for side in sides]) for name in names),
        ]
    drawn = [one for one in figures if one]
    if not drawn:
        return "<p>No curve of theirs can be drawn together.</p>"
    return f'{key(sides)}<div class="curves">{"".join(drawn)}</div>'


def key(sides: Sequence[Side]) -> str:
    items = "".join(f"<li>{swatch(side)}<b>{side.label}</b> {escape(printable(side.name))}</li>" for side in sides)
    return f'<ul class="key">{items}</ul>'


def swatch(side: Side) -> str:
    return f'<svg viewBox="0 0 34 10" aria-hidden="true"><path class="line {look(side)}" d="M1 5H33"/></svg>'


def look(side: Side) -> str:
    """The class of its lines."""
    return f"run-{side.label.lower()}"


def _shared(sides: Sequence[Side]) -> list[str]:
    """The losses that the best trials of all have."""
    kept = [
        {name for row in side.best.trial.epochs for name in row.metrics} if side.best is not None else set()
        for side in sides
    ]
    return [name for name in ("train_loss", "val_loss") if all(name in names for names in kept)]


def _of_best(side: Side, name: str) -> _Curve:
    rows = () if side.best is None else side.best.trial.epochs
    points = [(float(row.epoch), row.metrics[name]) for row in rows if name in row.metrics]
    skip = math.ceil(len(points) / MOST) or 1
    kept = [point for place, point in enumerate(points) if place % skip == 0 or place == len(points) - 1]
    return _Curve(side.label, look(side), tuple(kept))


def _over(side: Side, steps: Sequence[tuple[float, float]]) -> _Curve:
    return _Curve(side.label, look(side), tuple(steps), level=True)


def _figure(title: str, axis: str, every: Sequence[_Curve]) -> str:
    drawn = [curve for curve in every if any(drawable(value) for _, value in curve.points)]
    if not drawn:
        return ""
    finite = [value for curve in drawn for _, value in curve.points if drawable(value)]
    wide = FALLS if drawn[0].level else WIDE
    log = min(finite) > 0 and max(finite) > wide * min(finite)
    low, high = (min(finite) * 0.95, max(finite) * 1.05) if log else padded(min(finite), max(finite))
    first = 0.0 if axis == "seconds trained" else 1.0
    last = max(curve.points[-1][0] for curve in drawn)
    if not last > first:
        last = first + 1
    panel = Panel(LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM, low, high, first, last, log)
    parts = [*panel.grid()]
    parts += [
        f'<text x="{panel.x(at):.1f}" y="{panel.bottom + 16:.0f}" text-anchor="middle">{number(at, 3)}</text>'
        for at in ticks(first, last)
        if first == 0.0 or at == round(at)
    ]
    middle = (panel.left + panel.right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{axis}</text>')
    parts += [_line(curve, panel, axis) for curve in drawn]
    parts += _labels(drawn, panel)
    scale = ", logarithmic scale" if log else ""
    shown = escape(printable(title))
    told = f"{shown} over {axis}: {', '.join(curve.label for curve in drawn)}{scale}"
    return (
        f'<figure><figcaption><b>{shown}</b>{scale}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{told}">{"".join(parts)}</svg></figure>'
    )


def _line(curve: _Curve, panel: Panel, axis: str) -> str:
    moves, pen_up = "", True
    for at, value in curve.points:
        if drawable(value):
            x, y = panel.x(at), panel.y(value)
            moves += f"M{x:.1f} {y:.1f}" if pen_up else f"H{x:.1f}V{y:.1f}" if curve.level else f"L{x:.1f} {y:.1f}"
        pen_up = not drawable(value)
    at, value = _last(curve)
    told = f"{curve.label}: {number(value)} at {axis} {number(at)}"
    return (
        f'<g><title>{escape(told)}</title><path class="line {curve.look}" d="{moves}"/>'
        f'<circle class="end {curve.look}" cx="{panel.x(at):.1f}" cy="{panel.y(value):.1f}" r="3"/></g>'
    )


def _labels(drawn: Sequence[_Curve], panel: Panel) -> list[str]:
    """The letter at each line's end; letters of lines that end elsewhere than at the edge stand above their end."""
    ends = [_last(curve) for curve in drawn]
    right = [place for place, (at, _) in enumerate(ends) if panel.x(at) > panel.right - 2 * LINE]
    heights = apart([panel.y(ends[place][1]) + 4 for place in right], panel.top + 4, panel.bottom + 4)
    parts = [_letter(drawn[place], panel.right + 8, height) for place, height in zip(right, heights, strict=True)]
    others = [place for place in range(len(drawn)) if place not in right]
    return parts + [_letter(drawn[place], panel.x(ends[place][0]) + 7, panel.y(ends[place][1]) - 5) for place in others]


def _letter(curve: _Curve, x: float, y: float) -> str:
    return f'<text class="strong halo" x="{x:.1f}" y="{y:.1f}">{curve.label}</text>'


def _last(curve: _Curve) -> tuple[float, float]:
    return next((at, value) for at, value in reversed(curve.points) if drawable(value))
