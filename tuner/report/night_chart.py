"""A sweep's nights as a chart, without a script: the control, what it is held against, and the best of each night.

Each night has one place, whatever lies between their dates. It is drawn twice, for wide and for narrow pages, so that
letters and marks keep their size; the style sheet shows one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from urllib.parse import quote

from tuner.records.night import OK, SKIPPED
from tuner.report.night_axes import BOLD_LETTER, LETTER, Panel, apart, between, drawable, steps
from tuner.report.night_history import Point, name_of, state_began
from tuner.report.night_layout import NARROW, WIDE, Drawing, Held, Size, held, held_against, laid_out
from tuner.report.page_sections import escape
from tuner.report.verdict_style import NIGHT_STYLES, SHAPES, STYLES
from tuner.report.wording import number, printable

NARROW_NIGHTS = 30
PREFIX = "n"


def chart(points: Sequence[Point]) -> str:
    """The figure; `points` end with the night whose page it is."""
    if not any(point.control is not None or point.best is not None for point in points):
        return "<p>No night has a value of its control yet: there is nothing to draw.</p>"
    return f'<figure class="nights">{_svg(points, WIDE)}{_svg(points[-NARROW_NIGHTS:], NARROW)}</figure>'


def _svg(points: Sequence[Point], size: Size) -> str:
    drawing = laid_out(points, size)
    parts = [*drawing.control.grid(), *_areas(drawing), *_breaks(drawing), *_state(drawing), *_lines(drawing)]
    parts += [
        *_seeds(drawing),
        *_intervals(drawing),
        *_accepted(drawing),
        *_marks(drawing),
        *_titles(drawing),
        *_dates(drawing),
    ]
    parts += _best(drawing)
    box = f'viewBox="0 0 {size.width} {drawing.height:.0f}" role="img" aria-label="{escape(_told(points))}"'
    return f'<svg class="{size.name}" {box}>{"".join(parts)}</svg>'


def _told(points: Sequence[Point]) -> str:
    """What a person hears who does not see it; the table below has every number."""
    tonight = points[-1]
    judged, metric = tonight.night.judgement, printable(tonight.night.metric)
    counts = {verdict: sum(point.night.verdict == verdict for point in points) for verdict in NIGHT_STYLES}
    told = ", ".join(f"{amount} {verdict}" for verdict, amount in counts.items() if amount)
    value = "no value" if tonight.control is None else number(tonight.control)
    against = "" if judged.reference is None else f", the reference is {number(judged.reference)}"
    return f"{metric} of the control over {len(points)} nights: {told}. Tonight: {value}{against}."


def _areas(drawing: Drawing) -> Iterator[str]:
    """The noise band, what counts as worse, the reference and the thresholds: as each night was judged."""
    panel, half = drawing.control, drawing.half
    sign = 1 if drawing.worse_is_up else -1
    edge = panel.top if drawing.worse_is_up else panel.bottom
    known = [(place, one) for place, one in enumerate(held(drawing.points)) if one is not None]

    def stretch(item: tuple[int, tuple[int, Held]]) -> tuple[int, str, bool]:
        row, (place, one) = item
        return place - row, drawing.points[place].night.key, one.threshold > 0

    for _, group in groupby(enumerate(known), stretch):
        rows = [(drawing.x(place) - half, drawing.x(place) + half, one) for _, (place, one) in group]
        if rows[-1][1] > drawing.x(len(drawing.points) - 1):  # it holds for the nights to come
            rows[-1] = (rows[-1][0], panel.right, rows[-1][2])
        band = [(a, b, panel.y(one.reference + one.noise), panel.y(one.reference - one.noise)) for a, b, one in rows]
        yield f'<path class="band" d="{between(band)}"/>'
        if rows[0][2].threshold > 0:
            worse = [(a, b, panel.y(one.reference + sign * one.threshold)) for a, b, one in rows]
            better = [(a, b, panel.y(one.reference - sign * one.threshold)) for a, b, one in rows]
            yield f'<path class="bad" d="{between([(a, b, y, edge) for a, b, y in worse])}"/>'
            yield f'<path class="limit" d="{steps(worse)}"/><path class="limit good" d="{steps(better)}"/>'
        yield f'<path class="reference" d="{steps([(a, b, panel.y(one.reference)) for a, b, one in rows])}"/>'


def _breaks(drawing: Drawing) -> Iterator[str]:
    """Nights on the two sides of a line are not comparable."""
    frames = [drawing.control, *([drawing.best] if drawing.best else [])]
    for place, (before, after) in enumerate(zip(drawing.points, drawing.points[1:], strict=False), 1):
        if before.night.key == after.night.key:
            continue
        x = drawing.x(place) - drawing.half
        yield "".join(f'<path class="break" d="M{x:.1f} {frame.top:.0f}V{frame.bottom:.0f}"/>' for frame in frames)
        if before.comparable:
            continue
        side, shift = ("end", -6) if x > drawing.control.left + 18 * LETTER else ("start", 6)
        y = drawing.control.bottom - 8
        yield f'<text class="halo" x="{x + shift:.1f}" y="{y:.0f}" text-anchor="{side}">← not comparable</text>'


def _state(drawing: Drawing) -> Iterator[str]:
    """Since when it is no longer OK: where the present state began, if it began here."""
    nights = [point.night for point in drawing.points]
    began = state_began(nights)
    if nights[-1].state == OK or began is nights[0]:
        return
    panel, x = drawing.control, drawing.x(nights.index(began)) - drawing.half
    told = f"{nights[-1].state} since {printable(name_of(began, nights))}"
    room = len(told) * BOLD_LETTER
    fits = x + 5 + room <= drawing.size.width or x - 5 - room < 0
    side, at = ("start", min(x + 5, drawing.size.width - room)) if fits else ("end", x - 5)
    y = panel.top + 14 if drawing.worse_is_up else panel.bottom - 20
    yield f'<path class="since" d="M{x:.1f} {panel.top - 4:.0f}V{panel.bottom:.0f}"/>'
    yield f'<text class="strong halo" x="{at:.1f}" y="{y:.0f}" text-anchor="{side}">{escape(told)}</text>'


def _lines(drawing: Drawing) -> Iterator[str]:
    yield _line(drawing, drawing.control, [point.control for point in drawing.points], "control")


def _line(drawing: Drawing, panel: Panel, values: Sequence[float | None], look: str) -> str:
    moves, pen_key = "", None
    for place, (point, value) in enumerate(zip(drawing.points, values, strict=True)):
        if value is not None:
            moves += f"{'L' if pen_key == point.night.key else 'M'}{drawing.x(place):.1f} {panel.y(value):.1f}"
            pen_key = point.night.key
    return f'<path class="line {look}" d="{moves}"/>'


def _seeds(drawing: Drawing) -> Iterator[str]:
    panel = drawing.control
    for place, point in enumerate(drawing.points):
        for value in point.seeds:
            if panel.low <= value <= panel.high:
                yield f'<circle class="seed" cx="{drawing.x(place):.1f}" cy="{panel.y(value):.1f}" r="1.9"/>'


def _intervals(drawing: Drawing) -> Iterator[str]:
    """95 % of what each night's control may be: a night with few seeds says less."""
    panel, sign = drawing.control, 1 if drawing.worse_is_up else -1
    for place, point in enumerate(drawing.points):
        judged, against = point.night.judgement, held_against(point.night.judgement)
        if (
            against is None
            or judged.interval is None
            or judged.by == "drift"
            or not all(map(drawable, judged.interval))
        ):
            continue
        one, other = (panel.y(against.reference + sign * end) for end in judged.interval)
        yield f'<path class="interval" d="M{drawing.x(place):.1f} {one:.1f}V{other:.1f}"/>'


def _accepted(drawing: Drawing) -> Iterator[str]:
    """Rings around the nights that others are held against; the present one is named."""
    now = drawing.points[-1].night.reference
    accepted = {point.night.reference for point in drawing.points}
    for place, point in enumerate(drawing.points):
        if point.night.id not in accepted or point.control is None:
            continue
        x, y = drawing.x(place), drawing.control.y(point.control)
        yield f'<circle class="accepted" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
        if point.night.id == now:
            below = y + 22 if y < drawing.control.bottom - 30 else y - 14
            room = 4 * LETTER
            at = min(max(x, drawing.control.left + room), drawing.control.right - room)
            yield f'<text class="halo" x="{at:.1f}" y="{below:.1f}" text-anchor="middle">accepted</text>'


def _marks(drawing: Drawing) -> Iterator[str]:
    """Each night's verdict on its value; without a value, at the foot."""
    panel, last = drawing.control, len(drawing.points) - 1
    usual = min(1.15, max(0.7, 2 * drawing.half / 10))
    for place, point in enumerate(drawing.points):
        night, value = point.night, point.control
        x = drawing.x(place)
        scale = usual * (1.3 if night.verdict != OK else 1.0) * (1.3 if place == last else 1.0)
        y, tip = panel.bottom - 8 if value is None else panel.y(value), ""
        if value is not None and not panel.low <= value <= panel.high:
            out = -1 if value > panel.high else 1
            tip = f'<path class="beyond" d="M{x - 5:.1f} {y - out:.1f}h10L{x:.1f} {y + 8 * out:.1f}Z"/>'
            y -= out * (5 * scale + 3)
        mark = tip + _mark(night.verdict, x, y, scale, "" if point.comparable else " other")
        hit = f'<circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="8"/>'  # the middle of a ring is to be clicked too
        mark = f"<g><title>{escape(_title(point))}</title>{mark}{hit}</g>"
        if night.verdict == SKIPPED or place == last:
            yield mark
        else:
            yield f'<a href="{escape(page_of(night.id))}" tabindex="-1">{mark}</a>'


def _mark(verdict: str, x: float, y: float, scale: float, more: str) -> str:
    place = list(NIGHT_STYLES).index(verdict) if verdict in NIGHT_STYLES else len(NIGHT_STYLES)
    shape = SHAPES[(NIGHT_STYLES.get(verdict) or STYLES["unknown"]).shape]
    move = f"translate({x - 5 * scale:.1f} {y - 5 * scale:.1f}) scale({scale:.2f})"
    return f'<path class="mark {PREFIX}{place}{more}" d="{shape}" transform="{move}"/>'


def _title(point: Point) -> str:
    night = point.night
    value = "" if point.control is None else f", {printable(night.metric)} {number(point.control)}"
    best = "" if point.best is None else f", best {number(point.best)}"
    other = "" if point.comparable else " (another control: not comparable with tonight)"
    return f"{printable(night.date)} {printable(night.verdict)}{value}{best}{other}: {printable(night.judgement.why)}"


def page_of(night: str) -> str:
    """Where a night's page lies beside this one."""
    return f"{quote(night, safe='')}.html"


def _titles(drawing: Drawing) -> Iterator[str]:
    """What each frame shows, and what the lines are: at the right where there is room, else in the legend alone."""
    panel, metric = drawing.control, printable(drawing.points[-1].night.metric)
    arrow = "↑" if drawing.worse_is_up else "↓"
    most = 40 if drawing.size is WIDE else 16
    name = metric if len(metric) <= most else metric[: most - 1] + "…"
    yield f'<text x="2" y="14"><tspan class="strong">{escape(name)}</tspan> of the control ({arrow} is worse)</text>'
    judged = held_against(drawing.points[-1].night.judgement)
    if drawing.size is not WIDE or judged is None:
        return
    sign = 1 if drawing.worse_is_up else -1
    told = [(judged.reference, f"reference {number(judged.reference)}", "")]
    if judged.threshold > 0:
        worse, better = judged.reference + sign * judged.threshold, judged.reference - sign * judged.threshold
        told.append((worse, f"worse from {number(worse)}", ' class="strong"'))
        told.append((better, f"better from {number(better)}", ""))
    heights = apart([panel.y(value) for value, _, _ in told], panel.top + 4, panel.bottom)
    for (_, text, look), height in zip(told, heights, strict=True):
        yield f'<text{look} x="{panel.right + 6:.0f}" y="{height + 4:.1f}">{escape(text)}</text>'


def _dates(drawing: Drawing) -> Iterator[str]:
    """Under the lowest frame; the last night's among them."""
    bottom = (drawing.best or drawing.control).bottom
    last = len(drawing.points) - 1
    apart_by = math.ceil(12 * LETTER / (2 * drawing.half))  # nights from one date to the next
    wanted = min(drawing.size.dates, 1 + last // apart_by)
    chosen = {round(last * part / max(1, wanted - 1)) for part in range(wanted)} if wanted > 1 else {last}
    before = ""
    for place in sorted(chosen):
        told = printable(drawing.points[place].night.date)[:10]
        if told == before:  # two nights of one day
            continue
        before = told
        room = len(told) * LETTER / 2
        x = min(max(drawing.x(place), room), drawing.size.width - room)
        yield f'<path class="tick" d="M{drawing.x(place):.1f} {bottom:.0f}v5"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18:.0f}" text-anchor="middle">{escape(told)}</text>'


def _best(drawing: Drawing) -> Iterator[str]:
    panel = drawing.best
    if panel is None:
        return
    yield f'<text x="2" y="{panel.top - 8:.0f}">best of the night</text>'
    yield from panel.grid()
    yield _line(drawing, panel, [point.best for point in drawing.points], "best")
    for place, point in enumerate(drawing.points):
        if point.best is not None:
            x, y = drawing.x(place) - 3.5, panel.y(point.best) - 3.5
            shape = f'<path class="bestdot" d="{SHAPES["diamond"]}" transform="translate({x:.1f} {y:.1f}) scale(.7)">'
            yield f"{shape}<title>{escape(_title(point))}</title></path>"
