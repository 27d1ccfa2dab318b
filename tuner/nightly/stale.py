"""The dead man's switch: whether the last night is older than it may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner.errors import Fault, InputError
from tuner.records.night import INCOMPLETE, SKIPPED, NightRecord

_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([mhd])\s*")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def age_of(text: str) -> float:
    """Seconds of `26h`, `90m`, `2d`. Raises InputError for anything else."""
    found = _AGE.fullmatch(text)
    if found is None or not float(found[1]):
        raise InputError("the command line", (Fault("--stale", text, "write an age: 26h, 90m or 2d"),))
    return float(found[1]) * _SECONDS[found[2]]


def how_stale(nights: Sequence[NightRecord], limit: float, now: float) -> str:
    """Why somebody should look, in words; empty where a night with a verdict ended within `limit` seconds.

    An INCOMPLETE night says nothing of the model, so it does not count.
    """
    whole = [night for night in nights if night.ended_at is not None and night.verdict not in (INCOMPLETE, SKIPPED)]
    if not whole:
        return "no night has come to a verdict yet"
    last = max(whole, key=lambda night: night.ended_at or 0.0)
    age = now - (last.ended_at or 0.0)
    if age <= limit:
        return ""
    return f"the last night with a verdict, {last.id}, ended {age / 3600:.1f} h ago, more than {limit / 3600:g} h"
