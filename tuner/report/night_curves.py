"""Tonight's curves as pictures: the metric and the losses of the control's trainings and of the best trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records.trial import TrialRecord
from tuner.report.curve_drawing import WIDE, ticks
from tuner.report.night_axes import Panel, drawable, padded
from tuner.report.page_sections import escape
from tuner.report.wording import count, number, printable

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 372, 230, 52, 10, 14, 34
MOST = 300
"""Points a curve."""


@dataclass(frozen=True, slots=True)
class _Curve:
    name: str
    look: str
    """`control` or `best`."""
    epochs: tuple[int, ...]
    values: tuple[float, ...]


def curves(controls: Sequence[TrialRecord], best: TrialRecord | None, metric: str) -> str:
    """A figure for the metric, and one for each loss beside it; a sentence where no epoch was recorded."""
    wanted = dict.fromkeys((metric, "train_loss", "val_loss"))
    figures = [drawn for name in wanted if (drawn := _figure(name, controls, best))]
    if not figures:
        return "<p>No epoch of a control or of the best trial is recorded.</p>"
    key = [
        '<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="line control" d="M1 5H33"/></svg>'
        f"{count(len(controls), 'training')} of the control</li>"
        if controls
        else "",
        f'<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="line best" d="M1 5H33"/></svg>'
        f"best trial, {escape(printable(best.trial))}</li>"
        if best is not None
        else "",
    ]
    return f'<ul class="key">{"".join(key)}</ul><div class="curves">{"".join(figures)}</div>'


def _figure(name: str, controls: Sequence[TrialRecord], best: TrialRecord | None) -> str:
    drawn = [_curve(trial, name, "control") for trial in controls]
    drawn += [_curve(best, name, "best")] if best is not None else []
    drawn = [curve for curve in drawn if curve.values]
    finite = [value for curve in drawn for value in curve.values if drawable(value)]
    if not finite:
        return ""
    log = min(finite) > 0 and max(finite) > WIDE * min(finite)
    low, high = (min(finite) * 0.95, max(finite) * 1.05) if log else padded(min(finite), max(finite))
    last = max(curve.epochs[-1] for curve in drawn)
    panel = Panel(LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM, low, high, 1, max(last, 2), log)
    parts = [*panel.grid(), *(_line(curve, panel) for curve in drawn)]
    for epoch in ticks(1, last) if last > 1 else [1.0]:
        if epoch == round(epoch) and epoch >= 1:
            x = panel.x(epoch)
            parts.append(f'<text x="{x:.1f}" y="{panel.bottom + 16:.0f}" text-anchor="middle">{epoch:.0f}</text>')
    middle = (panel.left + panel.right) / 2
    scale = ", logarithmic scale" if log else ""
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">epoch</text>')
    shown = escape(printable(name))
    told = f"{shown} over the epochs: {count(len(drawn), 'curve')}{scale}"
    return (
        f'<figure><figcaption><b>{shown}</b>{scale}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{told}">{"".join(parts)}</svg></figure>'
    )


def _curve(trial: TrialRecord, name: str, look: str) -> _Curve:
    rows = [(row.epoch, row.metrics[name]) for row in trial.epochs if name in row.metrics]
    apart = math.ceil(len(rows) / MOST) or 1
    rows = [row for place, row in enumerate(rows) if place % apart == 0 or place == len(rows) - 1]
    return _Curve(trial.trial, look, tuple(epoch for epoch, _ in rows), tuple(value for _, value in rows))


def _line(curve: _Curve, panel: Panel) -> str:
    moves, pen_up = "", True
    for epoch, value in zip(curve.epochs, curve.values, strict=True):
        if drawable(value):
            moves += f"{'M' if pen_up else 'L'}{panel.x(epoch):.1f} {panel.y(value):.1f}"
        pen_up = not drawable(value)
    drawn = f'<path class="line {curve.look}" d="{moves}"/>' if moves else ""
    finite = [(epoch, value) for epoch, value in zip(curve.epochs, curve.values, strict=True) if drawable(value)]
    if finite:
        epoch, value = finite[-1]
        drawn += f'<circle class="end {curve.look}" cx="{panel.x(epoch):.1f}" cy="{panel.y(value):.1f}" r="3"/>'
        told = f"{printable(curve.name)}: {number(value)} at epoch {epoch}"
    else:
        told = printable(curve.name)
    lost = next((e for e, v in zip(curve.epochs, curve.values, strict=True) if not drawable(v)), None)
    if lost is not None:
        x = panel.x(lost)
        drawn += f'<path class="line {curve.look}" d="M{x - 4:.1f} {panel.top}l8 8m0 -8l-8 8"/>'
        told += f"; not finite at epoch {lost}"
    return f"<g><title>{escape(told)}</title>{drawn}</g>"
