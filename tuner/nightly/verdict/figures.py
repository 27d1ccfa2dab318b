"""What a night is judged by: the seam between what ran and what is said of it, so that a simulation judges alike."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from tuner.records.night import IMPROVED, NOISY, OK, ControlResult, NightRecord
from tuner.records.trial import COMPLETED, DOOMED, FAILED
from tuner.space import identity


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """What the user asks of a verdict."""

    metric: str
    mode: str
    """`min` or `max`."""
    false_alarms: float = 0.01
    """Share of quiet nights that may be called REGRESSED."""
    minimum_effect: float | None = None
    """The smallest change of the metric that matters, in its unit; None: whatever stands out from the noise."""
    minimum_share: float | None = None
    """The same as a share of the reference, 0.02 for 2 %."""
    window: int = 14
    """Comparable nights that are looked at, the last ones."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One night in numbers."""

    night: str
    controls: Mapping[int, float]
    """Seed -> value of the control on it, in the metric's unit; infinitely bad (by the mode) where it diverged."""
    controls_failed: int = 0
    """Controls that raised, ran out of memory or lost their workers for good: they say nothing of the model."""
    best: float | None = None
    best_config: Hashable = None
    """What tells its configuration from others; None: not known."""
    conditions: str = ""
    """Fingerprint of code, data, packages and machine: nights that share it may repeat each other bit for bit."""
    trials: int = 0
    """Of the search."""
    failed: int = 0
    """Those of them that failed."""
    verdicts: Mapping[str, int] = field(default_factory=dict)
    """Diagnosis -> trials of the search."""
    seconds_per_epoch: float | None = None
    """Of the controls, the median."""
    training_seconds: float = 0.0
    verdict: str = OK
    """What was said of it; of tonight: not looked at."""

    @property
    def is_good(self) -> bool:
        """It may stand in the reference beside the accepted night."""
        return self.verdict in (OK, NOISY)

    @property
    def is_comparable(self) -> bool:
        """Its figures are whole enough to be looked at."""
        return self.verdict in (OK, NOISY, IMPROVED)


def figures(record: NightRecord) -> Figures:
    """Of a night that ended, or of one whose controls have."""
    seconds = sorted(one.seconds_per_epoch for one in record.controls if one.seconds_per_epoch is not None)
    return Figures(
        night=record.id,
        controls={one.seed: value for one in record.controls if (value := _value(one, record.mode)) is not None},
        controls_failed=sum(one.ending == FAILED for one in record.controls),
        best=None if record.best is None else record.best.value,
        best_config=None if record.best is None else identity(record.best.config),
        conditions=fingerprint(record),
        trials=record.trials.get("total", 0),
        failed=record.trials.get(FAILED, 0),
        verdicts=dict(record.verdicts),
        seconds_per_epoch=seconds[len(seconds) // 2] if seconds else None,
        training_seconds=record.training_seconds,
        verdict=record.verdict,
    )


def fingerprint(record: NightRecord) -> str:
    """Of what a control training hangs on beside its settings."""
    told = record.conditions
    whole = [told.code, told.data_hash, dict(sorted(told.packages.items())), dict(sorted(told.machine.items()))]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]


def _value(one: ControlResult, mode: str) -> float | None:
    if one.ending == DOOMED:
        return math.inf if mode == "min" else -math.inf
    return one.value if one.ending == COMPLETED else None
