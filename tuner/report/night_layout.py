"""How the nights' chart is laid out: its sizes, its two frames, the range of values that it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.records.night import OK, Judgement
from tuner.report.night_axes import Panel, drawable, padded
from tuner.report.night_history import Point

FEWEST = 12
"""Places at least: a history of two nights begins at the left."""
FAR, TONIGHT_FAR = 4.0, 25.0
"""Spans beyond the usual range at which a night is put on the edge of the chart; tonight's is to be seen longer."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of one drawing, in the units of its view box."""

    name: str
    width: int
    left: int
    right: int
    dates: int
    """Labels under the axis."""


WIDE = Size("wide", 960, 58, 142, 7)
NARROW = Size("narrow", 372, 48, 8, 3)
TOP, CONTROL, BEST, GAP, BOTTOM = 24, 210, 66, 36, 26
"""Heights: above the frames, of each, between and below them."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a night was held against, in the metric's unit."""

    reference: float
    noise: float
    threshold: float
    """0: there was none."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing of the chart."""

    points: Sequence[Point]
    size: Size
    control: Panel
    best: Panel | None
    half: float
    """Half the width of a night's place."""
    worse_is_up: bool

    @property
    def height(self) -> float:
        return (self.best or self.control).bottom + BOTTOM

    def x(self, place: int) -> float:
        return self.control.x(place)


def laid_out(points: Sequence[Point], size: Size) -> Drawing:
    """The frames, and what each of them shows."""
    places = max(len(points), FEWEST)
    left, right = size.left, size.width - size.right
    half = (right - left) / places / 2
    last = places - 0.5
    low, high = _range(points)
    control = Panel(left, right, TOP, TOP + CONTROL, low, high, -0.5, last)
    best = None
    values = [point.best for point in points if point.best is not None]
    if values:
        top = control.bottom + GAP
        best = Panel(left, right, top, top + BEST, *padded(min(values), max(values), 0.12), -0.5, last)
    return Drawing(points, size, control, best, half, points[-1].night.mode == "min")


def _range(points: Sequence[Point]) -> tuple[float, float]:
    """Of the control's values and all that they are held against; a far one does not flatten the others."""
    usual = [p.control for p in points if p.comparable and p.control is not None and drawable(p.control)]
    held, wide = [], 0.0
    for one in (held_against(point.night.judgement) for point in points if point.comparable):
        if one is not None:
            reach = max(one.threshold, one.noise)
            held += [one.reference - reach, one.reference + reach]
            wide = max(wide, 2 * reach)
    everything = [value for p in points for value in (p.control, *p.seeds) if value is not None and drawable(value)]
    if not everything and not held:
        return padded(0.0, 1.0)
    core = sorted(usual or everything or held)
    lower, upper = core[len(core) // 10], core[-1 - len(core) // 10]
    span = max(upper - lower, wide) or abs(upper) / 10 or 1.0
    inside = [value for value in everything if lower - FAR * span <= value <= upper + FAR * span]
    tonight = points[-1].control
    if tonight is not None and lower - TONIGHT_FAR * span <= tonight <= upper + TONIGHT_FAR * span:
        inside.append(tonight)
    low, high = padded(min([*inside, *held]), max([*inside, *held]))
    if points[-1].night.state != OK:  # room for the words on the side of what is worse
        above = points[-1].night.mode == "min"
        low, high = low - (not above) * (high - low) / 9, high + above * (high - low) / 9
    return low, high


def held_against(judged: Judgement) -> Held | None:
    """What a judgement measured by, where it has a place in the picture."""
    if judged.reference is None or not drawable(judged.reference):
        return None
    noise, threshold = (w if w is not None and drawable(w) and w > 0 else 0.0 for w in (judged.noise, judged.threshold))
    return Held(judged.reference, noise, threshold)


def held(points: Sequence[Point]) -> Iterator[Held | None]:
    """What each night was held against; of one without a judgement, what the comparable night before it was."""
    last: Held | None = None
    for before, point in zip([None, *points], points, strict=False):
        if before is not None and before.night.key != point.night.key:
            last = None
        same_scale = point.comparable or point.control is not None
        last = (held_against(point.night.judgement) if same_scale else None) or last
        yield last
