"""What the pages and tables of a sweep's nights have in common: their order, each night's figures, since when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records.night import NOISY, OK, SKIPPED, Change, NightRecord
from tuner.records.trial import COMPLETED, DOOMED
from tuner.report.night_axes import drawable
from tuner.report.wording import NOTHING, number

DETAIL = 60
"""Nights that a page shows one by one, and the sparkline of the terminal: two months."""


@dataclass(frozen=True, slots=True)
class Point:
    """One night in the history chart."""

    night: NightRecord
    control: float | None
    """What the control came to: infinitely bad where it diverged, None where it has no value."""
    seeds: tuple[float, ...]
    """Of its trainings, the finite ones."""
    best: float | None
    comparable: bool
    """With the night whose page this is: the same control configuration, task, metric, epochs and split."""


def ordered(nights: Sequence[NightRecord]) -> list[NightRecord]:
    """Oldest first, each once."""
    by_id = {night.id: night for night in nights}
    return sorted(by_id.values(), key=lambda night: (night.date, night.started_at))


def until(record: NightRecord, nights: Sequence[NightRecord]) -> list[NightRecord]:
    """The nights before it and itself, oldest first: what could be known when it ended."""
    others = [night for night in ordered(nights) if night.id != record.id]
    return [night for night in others if (night.date, night.started_at) <= (record.date, record.started_at)] + [record]


def points(record: NightRecord, nights: Sequence[NightRecord]) -> list[Point]:
    """A night with another metric has no values here: they would be on another scale."""
    return [_point(night, record) for night in nights]


def _point(night: NightRecord, tonight: NightRecord) -> Point:
    if (night.metric, night.mode) != (tonight.metric, tonight.mode):
        return Point(night, None, (), None, False)
    finite = tuple(value for value in seed_values(night).values() if drawable(value))
    best = None if night.best is None or not drawable(night.best.value) else night.best.value
    return Point(night, control(night), finite, best, night.key == tonight.key)


def seed_values(night: NightRecord) -> dict[int, float]:
    """Seed -> the control's value on it; infinitely bad where it diverged. What failed says nothing and is left out."""
    worst = math.inf if night.mode == "min" else -math.inf
    values = {}
    for one in night.controls:
        if one.ending == DOOMED:
            values[one.seed] = worst
        elif one.ending == COMPLETED and one.value is not None:
            values[one.seed] = one.value if math.isfinite(one.value) else worst
    return values


def control(night: NightRecord) -> float | None:
    """What the judgement compared; of a night that was not judged, the mean over its seeds."""
    value = night.judgement.tonight
    if value is None:
        values = seed_values(night)
        value = sum(values.values()) / len(values) if values else None
    if value is None or drawable(value):
        return value
    return math.inf if night.mode == "min" else -math.inf


def name_of(night: NightRecord, nights: Sequence[NightRecord]) -> str:
    """Its date; its id where another night has the same date."""
    alone = all(other.id == night.id or other.date != night.date for other in nights)
    return night.date if alone else night.id


def state_began(nights: Sequence[NightRecord]) -> NightRecord:
    """The first of the last nights that share their state."""
    began = nights[-1]
    for night in reversed(nights):
        if night.state != nights[-1].state:
            break
        began = night
    return began


def state_told(nights: Sequence[NightRecord]) -> str:
    """Since when it is as it is, in a sentence; empty where the verdict says all."""
    night, began = nights[-1], state_began(nights)
    if night.state == OK:
        if night.state_before not in (None, OK):
            return f"It was {night.state_before} until the night before."
        return f"It stays OK: a {night.verdict} night changes nothing." if night.verdict in (NOISY, SKIPPED) else ""
    if began is night:
        return f"It is {night.state} since this night" + (
            f"; it was {before}." if (before := night.state_before) else "."
        )
    counted = sum(one.state == night.state for one in nights[nights.index(began) :])
    still = f", and a {night.verdict} night changes nothing" if night.verdict in (NOISY, SKIPPED) else ""
    return f"It is {night.state} since {name_of(began, nights)}, for {counted} nights{still}."


def control_told(night: NightRecord) -> str:
    """Its number, or that it diverged."""
    value = control(night)
    return number(value) if value is None or math.isfinite(value) else "diverged"


def signed(value: float | None, digits: int = 3) -> str:
    """`+0.02`: an effect with its sign; above zero is worse."""
    if value is None:
        return NOTHING
    return ("+" if value > 0 else "") + number(value, digits)


def way(value: float) -> str:
    """`0.02 worse`, `0.02 better`."""
    return f"{number(abs(value), 3)} {'worse' if value > 0 else 'better'}" if value else "0"


def effect_told(night: NightRecord) -> str:
    """`+0.02 (+0.01 to +0.03)`; nothing where the control diverged, which is worse by no number."""
    judged = night.judgement
    if judged.effect is not None and not math.isfinite(judged.effect):
        return NOTHING
    told = signed(judged.effect)
    return told if judged.interval is None else f"{told} ({' to '.join(signed(end, 2) for end in judged.interval)})"


def change_told(change: Change) -> str:
    """Kind and what: `configuration search.trials`; `data hash`, not `data data hash`."""
    return change.what if change.what.startswith(change.kind) else f"{change.kind} {change.what}"
