"""How a trial ends: what its last report says, what its curve looks like, and the lines that tell it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tuner.control.rules import Rules
from tuner.control.trials import LiveTrial
from tuner.diagnosis import diagnose, doomed
from tuner.records.epochs import Failure
from tuner.records.finding import Diagnosis, Finding
from tuner.records.trial import COMPLETED, DOOMED, PRUNED
from tuner.records.values import encode_number

TOGETHER = 500
"""Trials that end together are diagnosed, and so written, by so many."""


def ending_at_report(live: LiveTrial, rules: Rules) -> tuple[str, str, Finding | None] | None:
    """Whether the trial ends at its last report: (ending, reason, what the diagnosis saw)."""
    metrics = live.epochs[-1].metrics
    lost = [name for name in (rules.metric, "train_loss", "val_loss") if not_finite(metrics.get(name))]
    if lost:
        seen = doomed(live.history(rules.max_epochs, rules.task))
        return DOOMED, f"diverged: {lost[0]} is {metrics[lost[0]]} at epoch {live.last_epoch}", seen
    if live.finished is not None:
        return COMPLETED, live.finished, None
    if live.last_epoch >= rules.max_epochs:
        return COMPLETED, f"all {rules.max_epochs} epochs", None
    if rules.doomed and live.is_search:
        seen = doomed(live.history(rules.max_epochs, rules.task))
        if seen is not None:
            return DOOMED, f"{seen.symptom}: {seen.says}", seen
    if live.stop_at_rung is not None:
        return PRUNED, live.stop_at_rung, None
    return None


def diagnosed(trials: list[LiveTrial], rules: Rules) -> Iterator[tuple[LiveTrial, Diagnosis]]:
    """Of trials that end together: a curve among many costs a hundredth of one alone (docs/log.md)."""
    for start in range(0, len(trials), TOGETHER):
        some = trials[start : start + TOGETHER]
        histories = [live.history(rules.max_epochs, rules.task) for live in some]
        yield from zip(some, diagnose(histories), strict=True)


def ending_lines(
    live: LiveTrial, ending: str, reason: str, seen: Finding | None, diagnosis: Diagnosis, failure: Failure | None
) -> list[dict[str, Any]]:
    lines = []
    if seen is not None:
        lines.append({"kind": "finding", "trial": live.trial, "finding": seen.to_json()})
    line: dict[str, Any] = {
        "kind": "ending",
        "trial": live.trial,
        "attempt": live.attempt,
        "ending": ending,
        "reason": reason,
        "value": None if live.value is None else encode_number(live.value),
        "best_epoch": live.best_epoch,
        "diagnosis": diagnosis.to_json(),
    }
    if failure is not None:
        line |= {"failure": failure.kind, "traceback": failure.traceback}
    return [*lines, line]


def never_reported(live: LiveTrial, metric: str) -> str:
    """The reason of a trial that came to its end without a value."""
    names = sorted({name for epoch in live.epochs for name in epoch.metrics})
    return f"never reported a finite {metric}, the sweep's metric; it reported {', '.join(names)}"


def not_finite(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)
