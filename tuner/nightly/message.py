"""What is sent of a night: a short text that Slack shows, and the main figures for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuner.records.night import Change, NightRecord
from tuner.records.values import encode_number

BULLETS = 3
"""Changes that the text names."""
_MOST = 20
"""Changes, remarks and notes that are sent at most, and as many details of each change."""
_LONGEST = 500
"""Characters of any one text."""


def message(record: NightRecord, page: Path) -> dict[str, Any]:
    """`text` in Slack's markup, and under `night` plain JSON: numbers that are not finite are words."""
    return {"text": text(record, page), "night": _plain(_figures(record, page))}


def text(record: NightRecord, page: Path) -> str:
    """The line of the morning, up to three changes, and where the page lies."""
    rows = [_escaped(record.line())]
    if record.state_before not in (None, record.state):
        rows[0] += f" ({record.state_before} before)"
    if record.changes:
        rows.append(_escaped(f"Changed since {record.since or 'the last good night'}:"))
        rows += [f"• {_escaped(in_words(change))}" for change in record.changes[:BULLETS]]
        if len(record.changes) > BULLETS:
            rows.append(f"• and {len(record.changes) - BULLETS} more")
    return "\n".join([*rows, f"Page: {_escaped(str(page))}"])


def in_words(change: Change) -> str:
    """`configuration search.trials: 20 -> 40`; of code its newest commit too."""
    told = f"{change.kind} {change.what}"
    if change.old or change.new:
        told += f": {change.old} -> {change.new}"
    if change.kind == "code" and change.details:
        more = f" and {len(change.details) - 1} more" if len(change.details) > 1 else ""
        told += f": {change.details[0]}{more}"
    return told


def _figures(record: NightRecord, page: Path) -> dict[str, Any]:
    judged = record.judgement
    return {
        "id": record.id,
        "date": record.date,
        "sweep": record.sweep,
        "verdict": judged.verdict,
        "why": judged.why,
        "line": record.line(),
        "state": record.state,
        "state_before": record.state_before,
        "metric": record.metric,
        "mode": record.mode,
        "tonight": judged.tonight,
        "reference": judged.reference,
        "effect": judged.effect,
        "interval": judged.interval,
        "noise": judged.noise,
        "threshold": judged.threshold,
        "by": judged.by,
        "remarks": judged.remarks,
        "best": None
        if record.best is None
        else {
            "trial": record.best.trial,
            "value": record.best.value,
            "verdict": record.best.verdict,
            "config": dict(record.best.config),
        },
        "controls": len(record.controls),
        "trials": dict(record.trials),
        "verdicts": dict(record.verdicts),
        "changes": [asdict(change) for change in record.changes],
        "since": record.since,
        "reference_night": record.reference,
        "seconds": record.seconds,
        "gpu_hours": record.gpu_hours,
        "run": record.run,
        "page": str(page),
        "notes": record.notes,
    }


def _escaped(told: str) -> str:
    """Slack reads <!channel> and <https://…|text> as commands; a commit's title has none to give."""
    return _cut(told).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(told: str) -> str:
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _plain(value: Any) -> Any:
    """As strict JSON takes it, cut to a size that any receiver takes."""
    if isinstance(value, float):
        return value if math.isfinite(value) else encode_number(value)
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:_MOST]]
    if isinstance(value, dict):
        return {_cut(str(name)): _plain(item) for name, item in list(value.items())[:100]}
    return value
