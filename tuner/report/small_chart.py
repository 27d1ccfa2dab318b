"""A small chart of a few curves over the epochs: SVG without a script, so that it is there on paper, too.

Many of them stand side by side, one question each. A value beyond the range lies on its edge; one that is not finite is
a cross at the edge of the worse ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tuner.records.trial import TrialRecord
from tuner.report.curve_drawing import WIDE, ticks
from tuner.report.night_axes import Panel, drawable, padded
from tuner.report.verdict_style import SHAPES
from tuner.report.wording import number, printable

WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 22, 32
MOST = 150
"""Points of a curve; of a longer one evenly spaced ones, the last among them."""
LOOKS = {"train_loss": "c0", "val_loss": "c1", "train_accuracy": "c0", "val_accuracy": "c1"}
"""Classes of the lines in report.css: each has a colour and a dash."""


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    look: str
    """Its class: `c0` to `c4`."""
    points: tuple[tuple[int, float], ...]
    """(epoch, value), not finite ones too."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An epoch at which something begins."""

    epoch: int
    says: str
    shape: str
    """A key of SHAPES."""


def curve(trial: TrialRecord, metric: str, look: str = "", name: str = "") -> Curve:
    points = [(epoch.epoch, epoch.metrics[metric]) for epoch in trial.epochs if metric in epoch.metrics]
    return Curve(name or metric, look or LOOKS.get(metric, "c2"), tuple(thinned(points)))


def thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= MOST:
        return list(points)
    step = (len(points) - 1) / (MOST - 1)
    return [points[round(place * step)] for place in range(MOST)]


def draw(curves: Sequence[Curve], told: str, marks: Sequence[Mark] = (), metric: str = "") -> str:
    """The SVG, or nothing where no value is finite. `told` is what those hear who do not see it."""
    there = [one for one in curves if any(drawable(value) for _, value in one.points)]
    if not there:
        return ""
    panel = _panel([*there, *(one for one in curves if one not in there)])
    parts = [*panel.grid(), *_epochs(panel)]
    named = f"{printable(metric or there[0].name)}{', logarithmic' if panel.log else ''}"
    parts.append(f'<text x="2" y="12">{escape(named if len(there) == 1 or metric else "")}</text>')
    for one in curves:
        parts += _curve(one, panel)
    for mark in marks:
        parts += _mark(mark, there, panel)
    if not metric:
        parts += _legend(there)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(printable(told))}"'
    return f'<svg class="small" {box}>{"".join(parts)}</svg>'


def _panel(curves: Sequence[Curve]) -> Panel:
    values = [value for one in curves for _, value in one.points if drawable(value)]
    epochs = [epoch for one in curves for epoch, _ in one.points]
    low, high = min(values), max(values)
    log = low > 0 and high > WIDE * low
    low, high = (low / 1.1, high * 1.1) if log else padded(low, high)
    return Panel(LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM, low, high, min(epochs), max(epochs), log)


def _epochs(panel: Panel) -> Iterator[str]:
    whole = [value for value in ticks(panel.first, panel.last) if value == round(value)]
    for value in whole or [panel.first]:
        yield f'<text x="{panel.x(value):.0f}" y="{panel.bottom + 15:.0f}" text-anchor="middle">{value:.0f}</text>'
    yield f'<path class="axis" d="M{panel.left:.0f} {panel.bottom:.0f}H{panel.right:.0f}"/>'
    yield f'<text x="{panel.right:.0f}" y="{panel.bottom + 29:.0f}" text-anchor="end">epoch</text>'


def _curve(one: Curve, panel: Panel) -> Iterator[str]:
    moves, before = "", False
    there = [drawable(value) for _, value in one.points]
    for place, (epoch, value) in enumerate(one.points):
        if there[place]:
            at = f"{panel.x(epoch):.1f} {panel.y(value):.1f}"
            moves += f"{'L' if before else 'M'}{at}"
            if not before and not any(there[place + 1 : place + 2]):  # alone between gaps: no line would show it
                x, y = at.split()
                yield f'<circle class="cross {one.look}" cx="{x}" cy="{y}" r="3.5"/>'
        before = there[place]
    yield f'<path class="line {one.look}" d="{moves}"/>'
    lost = next(((epoch, value) for epoch, value in one.points if not drawable(value)), None)
    if lost is not None:
        says = f"{one.name} is {number(lost[1]) if not math.isfinite(lost[1]) else 'huge'} at epoch {lost[0]}"
        move = f"translate({panel.x(lost[0]) - 5:.1f} {panel.top - 3:.0f})"
        shape = f'<path class="cross {one.look}" d="{SHAPES["cross"]}" transform="{move}">'
        yield f"{shape}<title>{escape(printable(says))}</title></path>"


def _mark(mark: Mark, curves: Sequence[Curve], panel: Panel) -> Iterator[str]:
    """A line across, its shape on top, a ring on each curve there, and what it says."""
    x = panel.x(min(max(mark.epoch, panel.first), panel.last))
    side, shift = ("end", -6) if x > WIDTH * 0.6 else ("start", 6)
    yield f'<path class="since" d="M{x:.1f} {panel.top - 2:.0f}V{panel.bottom:.0f}"/>'
    yield f'<path class="shape" d="{SHAPES[mark.shape]}" transform="translate({x - 5:.1f} {panel.top - 13:.0f})"/>'
    for one in curves:
        at = [value for epoch, value in one.points if epoch <= mark.epoch]
        if at and drawable(at[-1]):
            yield f'<circle class="ring" cx="{x:.1f}" cy="{panel.y(at[-1]):.1f}" r="4.5"/>'
    y = panel.top + 9
    yield f'<text class="strong halo" x="{x + shift:.1f}" y="{y:.0f}" text-anchor="{side}">{escape(mark.says)}</text>'


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    """Under the axis, at the left; a name that has no room is cut."""
    x, y = 4.0, HEIGHT - 3
    for one in curves[:4]:
        name = printable(one.name)
        name = name if len(name) <= 16 else name[:15] + "…"
        if x + 26 + 7 * len(name) > WIDTH - 44:
            return
        yield f'<path class="line {one.look}" d="M{x:.0f} {y - 4}h20"/>'
        yield f'<text x="{x + 25:.0f}" y="{y}">{escape(name)}</text>'
        x += 40 + 6.8 * len(name)
