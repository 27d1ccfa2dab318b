"""What the next sweep's file says of each change: why it was made, and what was left as it is."""

from __future__ import annotations

from tuner.diagnosis.next_space import Change
from tuner.records.trial import SweepRecord
from tuner.records.values import Scalar


def comments_of(done: list[Change], dropped: list[tuple[Change, str]], record: SweepRecord) -> dict[str, list[str]]:
    """By the place above which they stand; the empty one is the head of the file."""
    best = record.best
    assert best is not None
    head = [
        f"After {record.run}: {len(record.trials)} trials; the best is {best.trial}, {record.metric} {best.value:.4g}.",
        "Each change has its reason above it. Defaults and enqueued trials, tried already, are left out.",
    ]
    head += [f"Not changed: {_says(change)} [{change.symptom}]: {why}" for change, why in dropped]
    if not done:
        head.append("No finding asks for a change of the space: the search goes on in it.")
    comments: dict[str, list[str]] = {"": head}
    for change in done:
        comments.setdefault(_place(change), []).append(f"{_says(change)}: {change.because} [{change.symptom}]")
    return comments


def _place(change: Change) -> str:
    """The key of the first or second level above which the comment stands."""
    section, inner, *_ = change.path.split(".")
    return f"{section}.{inner}"


def _says(change: Change) -> str:
    where = change.path.removeprefix("space.").removeprefix("search.")
    if change.fixes:
        return f"{where} fixed at {_shown(change.new)}"
    return f"{where} {_shown(change.old)} -> {_shown(change.new)}"


def _shown(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
