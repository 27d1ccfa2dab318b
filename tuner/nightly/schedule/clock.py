"""Times of day: read, moved on, and held against a time zone's changes of clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_TIME = re.compile(r"(\d{1,2}):(\d{2})")


def time_of_day(text: str) -> time | None:
    """`02:00` as a time; None for what is none, `25:00` too."""
    match = _TIME.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return time(int(match[1]), int(match[2]))


def later(at: time, hours: float) -> time:
    """The time of day that many hours after, to the minute."""
    minutes = (at.hour * 60 + at.minute + round(hours * 60)) % (24 * 60)
    return time(minutes // 60, minutes % 60)


def in_utc(at: time, zone: ZoneInfo, today: date) -> tuple[time, ...]:
    """What that time is in UTC within the year from `today`: two times where the clocks change, the usual one first."""
    seen: dict[time, int] = {}
    for moment in _year(at, zone, today):
        there = moment.astimezone(UTC).time()
        seen[there] = seen.get(there, 0) + 1
    usual = [there for there, days in sorted(seen.items(), key=lambda item: -item[1]) if days > 1]
    return tuple(usual)


def missing(at: time, zone: ZoneInfo, today: date) -> tuple[date, ...]:
    """The days of the year from `today` on which the clocks jump over that time."""
    return tuple(
        moment.date()
        for moment in _year(at, zone, today)
        if moment.astimezone(UTC).astimezone(zone).time() != moment.time()
    )


def _year(at: time, zone: ZoneInfo, today: date) -> list[datetime]:
    return [datetime.combine(today + timedelta(days=day), at, zone) for day in range(366)]
