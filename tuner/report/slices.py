"""The metric over each parameter: a dot a trial, and the median with its interval along the way.

Median    of the trials in each stretch of the axis (as many trials in each), or with each option. Its 95 % interval
          lies between two of the sorted values, the k-th from either end, with k the largest for which
          P(Binomial(n, 1/2) < k) <= 0.025: it assumes nothing of the distribution. Fewer than 6 values have none.
Values    a trial's best; of one that was stopped early as far as it came (hollow). Diverged and without a value: the
          worst, on the edge.
Source    David and Nagaraja (2003), Order statistics, §7.1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise

from tuner.diagnosis.sweep import placing
from tuner.records.trial import COMPLETED, DOOMED, ParameterRecord, SweepRecord, TrialRecord
from tuner.report import chart_range
from tuner.report.curve_drawing import log_ticks, ticks
from tuner.report.night_axes import Panel, drawable
from tuner.report.wording import NOTHING, number, printable, scalar

WIDTH, HEIGHT = 340, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 20, 38
MOST = 12
"""Parameters, those that matter most first."""
STRETCHES, IN_EACH = 6, 8
FEW = 12
"""Values that a parameter may take and still have a median each."""
WIDEST = 0.15
"""Half of what one value takes of the axis at most."""
OPTIONS = 12
"""Of a choice that are drawn; further ones are left out and counted."""


@dataclass(frozen=True, slots=True)
class Middle:
    """Of the trials in one stretch of the axis, or with one option."""

    left: float
    right: float
    """Shares of the axis, from 0 to 1."""
    count: int
    median: float
    low: float
    high: float
    """95 %; both the median itself where there are too few."""


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Of the median, 95 %, by order statistics; None of fewer than six."""
    n, rank = len(values), 0
    ways = below = 1  # of all 2^n: whole numbers, since 2^-n is no float for long
    while 40 * below <= 2**n:
        ways = ways * (n - rank) // (rank + 1)
        rank += 1
        below += ways
    ordered = sorted(values)
    return (ordered[rank - 1], ordered[n - rank]) if rank else None


def section(record: SweepRecord, ranking: Sequence[str]) -> str:
    """`ranking`: parameters, those that matter most first. Empty where none varies."""
    panel = _panel(record)
    order = {name: place for place, name in enumerate(ranking)}
    able = sorted(_varying(record), key=lambda p: order.get(p.name, len(order)))
    if panel is None or not able:
        return ""
    figures = "".join(_figure(parameter, record, panel) for parameter in able[:MOST])
    metric = escape(printable(record.metric))
    more = len(able) - MOST
    note = f" {more} parameters that matter less are not drawn." if more > 0 else ""
    return (
        '<section id="slices" aria-labelledby="slices-title"><h2 id="slices-title">Slices</h2>'
        f"<p>{metric} over each parameter, those that matter most first: a dot a trial (hollow: it ended early), the "
        f"medians with their 95 % intervals. What is much worse than most lies on the edge.{note}</p>"
        f'<div class="multiples">{figures}</div></section>'
    )


def points(parameter: ParameterRecord, record: SweepRecord) -> list[tuple[float, float, bool]]:
    """(place on the axis from 0 to 1, value, completed) of each trial that has the parameter; the lost are infinite."""
    worst = math.inf if record.mode == "min" else -math.inf
    found = []
    for trial in record.trials:
        place = _place(parameter, trial)
        lost = trial.ending == DOOMED and trial.verdict == "diverged"
        value = worst if lost or (trial.value is None and trial.ending == DOOMED) else trial.value
        if place is not None and value is not None:
            found.append((min(1.0, max(0.0, place)), value, trial.ending == COMPLETED))
    return sorted(found)


def middles(found: Sequence[tuple[float, float, bool]]) -> list[Middle]:
    """Of each option or value where there are FEW, else of stretches of the axis with as many trials in each."""
    if _half(found):
        places = sorted({place for place, _, _ in found})
        return [_middle(p, p, [v for place, v, _ in found if place == p]) for p in places]
    parts = max(1, min(STRETCHES, len(found) // IN_EACH))
    edges = [round(part * len(found) / parts) for part in range(parts + 1)]
    pieces = [found[a:b] for a, b in pairwise(edges) if b > a]
    return [_middle(piece[0][0], piece[-1][0], [value for _, value, _ in piece]) for piece in pieces]


def _half(found: Sequence[tuple[float, float, bool]]) -> float:
    """Half the width that each of few places takes on the axis; 0 where there are many."""
    places = sorted({place for place, _, _ in found})
    if len(places) > FEW or len(places) == len(found):
        return 0.0
    return min(WIDEST, 0.32 * min((b - a for a, b in pairwise(places)), default=WIDEST))


def _middle(left: float, right: float, values: Sequence[float]) -> Middle:
    ordered, n = sorted(values), len(values)
    one, other = ordered[(n - 1) // 2], ordered[n // 2]
    median = one if one == other else one / 2 + other / 2
    low, high = median_interval(values) or (median, median)
    return Middle(left, right, n, median, low, high)


def _varying(record: SweepRecord) -> list[ParameterRecord]:
    return [p for p in record.parameters if len({_place(p, trial) for trial in record.trials} - {None}) > 1]


def _options(parameter: ParameterRecord) -> list[str]:
    return [json.dumps(option) for option in parameter.options[:OPTIONS]]


def _place(parameter: ParameterRecord, trial: TrialRecord) -> float | None:
    if parameter.kind != "choice":
        return placing.of(trial, parameter)
    value, options = json.dumps(trial.config.get(parameter.name)), _options(parameter)
    if parameter.name not in trial.config or value not in options:
        return None
    return (options.index(value) + 0.5) / len(options)


def _panel(record: SweepRecord) -> Panel | None:
    """The same vertical axis for all."""
    values = [trial.value for trial in record.trials if trial.value is not None and drawable(trial.value)]
    if len(values) < 2:
        return None
    return chart_range.panel(values, record.mode, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM)


def _figure(parameter: ParameterRecord, record: SweepRecord, panel: Panel) -> str:
    found = points(parameter, record)
    between = middles(found)
    name, metric = escape(printable(parameter.name)), printable(record.metric)
    parts = [f'<text x="2" y="12">{escape(metric[:40])}</text>', *panel.grid()]
    parts.append(f'<path class="axis" d="M{panel.left:.0f} {panel.bottom:.0f}H{panel.right:.0f}"/>')
    parts.append(_name(parameter, panel))
    if parameter.kind != "choice" and (half := _half(found)):  # the outer values need room beside them
        room = half * (panel.right - panel.left)
        panel = replace(panel, left=panel.left + room, right=panel.right - room)
    parts += _scale(parameter, panel)
    parts += _dots(found, panel)
    for one in between:
        parts += _drawn(one, _half(found), panel)
    best = min(between, key=lambda one: one.median if record.mode == "min" else -one.median, default=None)
    told = f"{metric} over {parameter.name}, {len(found)} trials"
    if best is not None:
        told += f"; the best median, {number(best.median)}, lies {_where(best, parameter)}"
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(printable(told))}"'
    svg = f'<svg class="small" {box}>{"".join(parts)}</svg>'
    return f'<figure class="multiple"><figcaption><b>{name}</b></figcaption>{svg}</figure>'


def _where(one: Middle, parameter: ParameterRecord) -> str:
    if parameter.kind == "choice":
        place = round((one.left + one.right) / 2 * len(_options(parameter)) - 0.5)
        return f"at {scalar(parameter.options[place])}"
    ends = [scalar(placing.at(parameter, end)) for end in (one.left, one.right)]
    return f"at {ends[0]}" if one.left == one.right else f"between {ends[0]} and {ends[1]}"


def _scale(parameter: ParameterRecord, panel: Panel) -> Iterator[str]:
    for place, label in _ticks(parameter):
        side = "end" if panel.x(place) > WIDTH - 3 * RIGHT else "middle"
        x = panel.x(place) + (8 if side == "end" else 0)
        yield f'<text x="{x:.1f}" y="{panel.bottom + 15:.0f}" text-anchor="{side}">{escape(label)}</text>'


def _name(parameter: ParameterRecord, panel: Panel) -> str:
    scale = ", logarithmic" if parameter.log else ""
    letters = 40 - len(scale)
    name = printable(parameter.name)
    name = name if len(name) <= letters else "…" + name[1 - letters :]
    return f'<text x="{panel.right:.0f}" y="{panel.bottom + 32:.0f}" text-anchor="end">{escape(name + scale)}</text>'


def _ticks(parameter: ParameterRecord) -> Iterator[tuple[float, str]]:
    if parameter.kind == "choice":
        options = parameter.options[:OPTIONS]
        letters = max(2, 40 // len(options))
        for place, option in enumerate(options):
            told = scalar(option) or NOTHING
            short = told if len(told) <= letters else told[: letters - 1] + "…"
            yield (place + 0.5) / len(options), short
        return
    low, high = float(parameter.low or 0.0), float(parameter.high or 0.0)
    values = log_ticks(low, high) if parameter.log else ticks(low, high)
    if parameter.kind == "int":
        values = [value for value in values if value == round(value)]
    if len(values) < 2:
        values = [low, high]
    while len(values) > 5:
        values = values[::2]
    for value in values:
        where = placing.place(parameter, value)
        if where is not None:
            yield where, number(value, 3)


def _dots(found: Sequence[tuple[float, float, bool]], panel: Panel) -> Iterator[str]:
    """Trials with the same option side by side."""
    spread = 1.8 * _half(found)
    moves = {True: "", False: ""}
    for row, (place, value, whole) in enumerate(found):
        x = panel.x(place + spread * ((row * 0.6180339887) % 1 - 0.5))
        ring = "" if whole else "a2 2 0 1 0 4 0a2 2 0 1 0-4 0"
        moves[whole] += f"M{x - (0 if whole else 2):.0f} {panel.y(value):.0f}{ring or 'h0'}"
    for whole, look in ((False, "early"), (True, "went")):
        if moves[whole]:
            yield f'<path class="{look}" d="{moves[whole]}"/>'


def _drawn(one: Middle, half: float, panel: Panel) -> Iterator[str]:
    left, right = panel.x(one.left - half), panel.x(one.right + half)
    if right - left < 6:
        left, right = left - 3, right + 3
    top, bottom = panel.y(one.high), panel.y(one.low)
    if bottom > top:
        yield f'<path class="band" d="M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}z"/>'
    yield f'<path class="median" d="M{left:.1f} {panel.y(one.median):.1f}H{right:.1f}"/>'
