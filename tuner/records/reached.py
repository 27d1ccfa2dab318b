"""How good a sweep's best was after how many trials, and after how many seconds of training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tuner.records.journal import Line
from tuner.records.trial import DOOMED, FAILED, SweepRecord
from tuner.records.values import decode_number

Steps = tuple[tuple[float, float], ...]
"""(so far, best value), where the best value changes, and where it ends."""


def over_trials(record: SweepRecord) -> Steps:
    """Trials in the order in which they ended; those that run come last."""
    order = sorted(record.trials, key=lambda t: (t.ended_at is None, t.ended_at or 0.0, t.number))
    able = [(float(n), t.value if t.ending not in (DOOMED, FAILED) else None) for n, t in enumerate(order, 1)]
    return _improving(able, record.mode)


def over_seconds(record: SweepRecord, lines: Sequence[Line]) -> Steps:
    """Epoch by epoch, as the journal has them: seconds of training and evaluation summed over all workers.

    Trials that end doomed or failed never win and do not count; further seeds and controls cost their seconds.
    """
    able = {t.trial for t in record.trials if t.ending not in (DOOMED, FAILED)}
    seconds, points = 0.0, []
    for line in lines:
        if line["kind"] not in ("report", "repeated"):
            continue
        seconds += line["seconds"]
        told = line["metrics"].get(record.metric) if line["kind"] == "report" and line["trial"] in able else None
        points.append((seconds, None if told is None else decode_number(told)))
    return _improving(points, record.mode)


def over_seconds_by_trial(record: SweepRecord) -> Steps:
    """The same where there is no journal: each trial counts when it ends."""
    order = sorted(record.everything, key=lambda t: (t.ended_at is None, t.ended_at or 0.0, t.number))
    able = {t.trial for t in record.trials if t.ending not in (DOOMED, FAILED)}
    seconds, points = 0.0, []
    for trial in order:
        seconds += trial.seconds
        points.append((seconds, trial.value if trial.trial in able else None))
    return _improving(points, record.mode)


def best_at(steps: Steps, at: float) -> float | None:
    """The best value by then; None before the first."""
    return next((value for when, value in reversed(steps) if when <= at), None)


def _improving(points: Iterable[tuple[float, float | None]], mode: str) -> Steps:
    sign = 1.0 if mode == "min" else -1.0
    found: list[tuple[float, float]] = []
    last = 0.0
    for at, value in points:
        last = at
        if value is not None and math.isfinite(value) and (not found or sign * value < sign * found[-1][1]):
            found.append((at, value))
    if found and found[-1][0] < last:
        found.append((last, found[-1][1]))
    return tuple(found)
