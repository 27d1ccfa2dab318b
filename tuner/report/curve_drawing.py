"""One history as a picture: its losses over the epochs, with a line where each finding begins. SVG, without a script.

The vertical axis is logarithmic where all losses are positive and span a factor of WIDE. A value that is not finite is
a cross at the top; a value that was not measured is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.records.finding import Diagnosis
from tuner.records.history import Curve, History
from tuner.report.page_sections import escape
from tuner.report.verdict_style import SHAPES, STYLES
from tuner.report.wording import number

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 34, 34
"""Margins around the axes, in the units of the view box."""
WIDE = 30.0
MOST = 400
"""Pairs of points a curve; of more, the lowest and the highest of each stretch are kept, so that spikes stay."""
TICKS = 5
FAMILIES = (("train_loss", "val_loss", "train_eval_loss"), ("train_accuracy", "val_accuracy"))
LOOKS = {"train_eval_loss": "after", "val_loss": "val", "val_accuracy": "val"}
"""Classes of the lines; the others are drawn as training's."""
STYLE = """
figure.curve svg { width: 100%; height: auto; max-width: 60rem; font: 12px system-ui, sans-serif; }
figure.curve .train { --c: #0067a8; } figure.curve .val { --c: #c04400; } figure.curve .after { --c: #6c4bb4; }
@media (prefers-color-scheme: dark) {
  figure.curve .train { --c: #5aaef0; } figure.curve .val { --c: #ff8a4a; } figure.curve .after { --c: #b9a1ff; }
}
figure.curve path:is(.train, .val, .after) { fill: none; stroke: var(--c); stroke-width: 2; }
figure.curve path.val { stroke-dasharray: 7 3; } figure.curve path.after { stroke-dasharray: 2 2; }
figure.curve text { fill: var(--soft); } figure.curve text.finding { fill: var(--ink); font-weight: 600; }
figure.curve .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.5; }
figure.curve path.lost.lost { fill: var(--c); stroke: none; }
figure.curve .grid { stroke: var(--chart-line); } figure.curve .since { stroke: var(--ink); stroke-dasharray: 4 3; }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve that is drawn: where its measured values lie."""

    name: str
    look: str
    """The class of its line."""
    x: Curve
    y: Curve


@dataclass(frozen=True, slots=True)
class Axes:
    """From epochs and losses to places in the picture."""

    first: float
    last: float
    low: float
    high: float
    log: bool

    def x(self, epoch: float) -> float:
        share = (epoch - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high, at = (
            (math.log(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        share = (at / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5  # halves: the span may overflow
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def draw(history: History, found: Diagnosis) -> str:
    """The picture, or a sentence where there is nothing to draw."""
    lines = drawn_lines(history)
    finite = [line for line in lines if np.isfinite(line.y).any()]
    if not finite:
        return "<p>No value of its losses is finite: there is nothing to draw.</p>"
    axes = _axes(lines)
    parts = [*_grid(axes)]
    for line in lines:
        parts += _line(line, axes)
    parts += _findings(found, lines, axes)
    parts += _legend(lines)
    told = f"{history.id}: {', '.join(line.name for line in lines)} over the epochs"
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told)}"'
    return f'<figure class="curve"><svg {box}>{"".join(parts)}</svg></figure>'


def drawn_lines(history: History) -> list[Line]:
    """The losses; where there are none, the accuracies; else the first curve."""
    names = next((some for family in FAMILIES if (some := [name for name in family if name in history.curves])), None)
    lines = []
    for name in names or list(history.curves)[:1]:
        values = history.curves[name]
        steps = history.steps_per_epoch or 1
        start = float(history.epoch[0]) if len(history.epoch) else 1.0
        x: Curve = np.asarray(start + np.arange(len(values)), np.float64)
        if name == "train_loss" and steps > 1:
            x = start - 1 + (x - start + 1) / steps
        elif len(history.epoch) == len(values):
            x = history.epoch.astype(np.float64)
        gaps = history.missing.get(name)
        there = np.ones(len(values), bool) if gaps is None else ~gaps
        if there.any():
            lines.append(Line(name, LOOKS.get(name, "train"), x[there], values[there]))
    return lines


def _axes(lines: Sequence[Line]) -> Axes:
    finite = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    epochs = np.concatenate([line.x for line in lines])
    low, high = float(finite.min()), float(finite.max())
    log = low > 0 and high > WIDE * low
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    return Axes(float(epochs.min()), float(epochs.max()), low, high, log)


def _grid(axes: Axes) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in log_ticks(axes.low, axes.high) if axes.log else ticks(axes.low, axes.high):
        y = axes.y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value, 3)}</text>'
    for value in ticks(axes.first, axes.last):
        if value == round(value):
            yield f'<text x="{axes.x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:.0f}</text>'
    yield f'<path class="grid" d="M{LEFT} {bottom}H{right}"/>'
    told = "epoch (the vertical axis is logarithmic)" if axes.log else "epoch"
    yield f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 3}" text-anchor="middle">{told}</text>'


def ticks(low: float, high: float) -> list[float]:
    """About TICKS round numbers in the range."""
    span = high / TICKS - low / TICKS
    if not 0 < span < math.inf:
        return [low]
    size = 10.0 ** math.floor(math.log10(span)) or span
    step = next((size * factor for factor in (1, 2, 5) if size * factor >= span), size * 10)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, and three times these where the range is small."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    apart = max(1, len(powers) // TICKS)
    factors = (1, 3) if len(powers) <= 3 else (1,)
    found = [factor * 10.0**power for power in powers if power % apart == 0 for factor in factors]
    return [tick for tick in found if low <= tick <= high]


def _line(line: Line, axes: Axes) -> Iterator[str]:
    good = np.isfinite(line.y)
    steps: list[str] = []
    pen_up = True
    for place in _thinned(line.y, good):
        if good[place]:
            steps.append(f"{'M' if pen_up else 'L'}{axes.x(line.x[place]):.1f} {axes.y(line.y[place]):.1f}")
        pen_up = not good[place]
    yield f'<path class="{line.look}" d="{"".join(steps)}"/>'
    if good.sum() == 1:
        yield _dot(line, int(np.argmax(good)), axes)
    if not good.all():
        first = int(np.argmin(good))
        told = f"{line.name} is {number(float(line.y[first]))} at epoch {math.ceil(line.x[first])}"
        move = f"translate({axes.x(line.x[first]) - 6:.1f} {TOP - 6}) scale(1.2)"
        yield (
            f'<path class="lost {line.look}" d="{SHAPES["cross"]}" transform="{move}">'
            f"<title>{escape(told)}</title></path>"
        )


def _thinned(values: Curve, good: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[int]:
    """Places to draw: all, or of each stretch the lowest, the highest and one that is not finite."""
    if len(values) <= 2 * MOST:
        return list(range(len(values)))
    keep: set[int] = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), MOST):
        there = stretch[good[stretch]]
        if len(there):
            keep |= {int(there[np.argmin(values[there])]), int(there[np.argmax(values[there])])}
        if len(there) < len(stretch):
            keep.add(int(stretch[~good[stretch]][0]))
    return sorted(keep)


def _findings(found: Diagnosis, lines: Sequence[Line], axes: Axes) -> Iterator[str]:
    """A line where each begins, its name at the top, and a dot on every curve there."""
    marked = [finding for finding in found.findings if finding.since_epoch is not None]
    for row, finding in enumerate(marked):
        epoch = min(max(float(finding.since_epoch or 0), axes.first), axes.last)
        x, y = axes.x(epoch), TOP + 10 + 14 * (row % 12)
        side, shift = ("end", -5) if x > WIDTH * 0.7 else ("start", 5)
        shape = STYLES[finding.symptom].shape if finding.symptom in STYLES else "plus"
        yield f'<path class="since" d="M{x:.1f} {TOP - 4}V{HEIGHT - BOTTOM}"/>'
        yield f'<path fill="currentColor" d="{SHAPES[shape]}" transform="translate({x - 5:.1f} {TOP - 14})"/>'
        yield (
            f'<text class="finding" x="{x + shift:.1f}" y="{y}" text-anchor="{side}">{escape(finding.symptom)}'
            f"<title>{escape(finding.says)}</title></text>"
        )
        for line in lines:
            at = np.flatnonzero(np.isfinite(line.y) & (line.x <= epoch))
            if len(at):
                yield _dot(line, int(at[-1]), axes)


def _dot(line: Line, place: int, axes: Axes) -> str:
    x, y = axes.x(line.x[place]), axes.y(line.y[place])
    return f'<circle class="dot {line.look}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    x = LEFT
    for line in lines:
        yield f'<path class="{line.look}" d="M{x} 12h26"/><text x="{x + 32}" y="16">{escape(line.name)}</text>'
        x += 52 + 7 * len(line.name)
