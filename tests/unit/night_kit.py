"""A night's record with little said, for tests that change what they ask about."""

from __future__ import annotations

from typing import Any

from tuner.records.night import OK, Judgement, NightRecord


def night(date: str = "2026-11-21", state: str = OK, verdict: str | None = None, **more: Any) -> NightRecord:
    """Of the sweep `digits`; its run is called after its id, `DATE-7f3a9c21` unless `id` says otherwise."""
    name = more.pop("id", f"{date}-7f3a9c21")
    judgement = Judgement(verdict or state, "0.213 against 0.204")
    first: dict[str, Any] = {
        "id": name,
        "date": date,
        "sweep": "digits",
        "run": f"digits-{name}",
        "path": f"runs/digits-{name}",
        "metric": "val_loss",
        "mode": "min",
        "max_epochs": 9,
        "control": {"lr": 0.01},
        "key": "0123456789abcdef",
        "judgement": judgement,
        "state": state,
    }
    return NightRecord(**(first | more))
