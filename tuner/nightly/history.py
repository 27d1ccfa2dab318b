"""What tonight stands beside: the accepted night, the comparable ones, the last good one, and what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.nightly.folder import Reference
from tuner.nightly.verdict.figures import Figures, JudgeRules, figures
from tuner.records.night import IMPROVED, OK, SKIPPED, STATES, NightRecord
from tuner.sweep import Sweep


@dataclass(frozen=True)
class History:
    """All nights before tonight, oldest first."""

    nights: tuple[NightRecord, ...]
    reference: Reference | None

    @property
    def ended(self) -> tuple[NightRecord, ...]:
        return tuple(night for night in self.nights if night.ended_at is not None and night.verdict != SKIPPED)

    @property
    def state(self) -> str | None:
        """What holds; None before a first night. Who accepted a night has said that all is well."""
        last = self.ended[-1:]
        if not last:
            return None
        accepted_at = 0.0 if self.reference is None else self.reference.accepted_at
        return OK if accepted_at > (last[0].ended_at or 0.0) else last[0].state

    @property
    def notified(self) -> str | None:
        """The state that people were told last."""
        return self.ended[-1].notified if self.ended else None

    @property
    def last_good(self) -> NightRecord | None:
        return next((night for night in reversed(self.ended) if night.verdict in (OK, IMPROVED)), None)

    def anchor(self, key: str) -> NightRecord | None:
        """The accepted night, where tonight can be compared with it."""
        wanted = None if self.reference is None else self.reference.night
        found = next((night for night in self.ended if night.id == wanted), None)
        return found if found is not None and found.key == key else None

    def comparable(self, key: str) -> tuple[NightRecord, ...]:
        """Since the accepted night, with the same control under the same terms; INCOMPLETE ones too."""
        anchor = self.anchor(key)
        if anchor is None:
            return ()
        return tuple(n for n in self.ended if n.key == key and n.started_at > anchor.started_at)

    def figures(self, key: str) -> tuple[Figures | None, Sequence[Figures]]:
        """(of the accepted night, of the comparable ones since)."""
        anchor = self.anchor(key)
        return (None if anchor is None else figures(anchor)), [figures(night) for night in self.comparable(key)]


def rules_of(sweep: Sweep) -> JudgeRules:
    asked = sweep.nightly
    return JudgeRules(
        metric=sweep.metric.name,
        mode=sweep.metric.mode,
        false_alarms=asked.false_alarms,
        minimum_effect=asked.minimum_effect,
        minimum_share=asked.minimum_share,
        window=asked.window,
    )


def state_after(verdict: str, before: str | None) -> str:
    """What holds after a night: a NOISY one says nothing."""
    return verdict if verdict in STATES else before or OK
