"""What a night came to, as the command tells it: a line, JSON, an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.records.night import INCOMPLETE, REGRESSED, NightRecord
from tuner.records.trial import SweepRecord

STOPPED = "stopped by "
"""How the reason of a run begins that a signal ended."""


@dataclass(frozen=True)
class Outcome:
    """What a night came to."""

    verdict: str
    why: str
    exit_code: int
    record: NightRecord | None = None
    """None where it was skipped."""
    page: Path | None = None
    summary: Mapping[str, Any] | None = None

    @property
    def line(self) -> str:
        return f"{self.verdict}: {self.why}" if self.record is None else self.record.line()

    def to_json(self) -> dict[str, Any]:
        """summary.json's keys with `verdict`, `why` and the night; of a skipped one those two alone."""
        told: dict[str, Any] = {"verdict": self.verdict, "why": self.why}
        if self.record is None:
            return told
        night = {
            "night": self.record.id,
            "state": self.record.state,
            "page": None if self.page is None else str(self.page),
        }
        return {**(self.summary or {}), **told, **night, "judgement": self.record.to_json()["judgement"]}


def exit_code(record: NightRecord, run: SweepRecord | None) -> int:
    """By the table of exit codes: 4 REGRESSED, 3 INCOMPLETE, 130 Ctrl-C."""
    if record.verdict == INCOMPLETE:
        stopped = run is not None and run.reason == f"{STOPPED}Ctrl-C"
        return 130 if stopped else 3
    return 4 if record.verdict == REGRESSED else 0
