"""What makes a sweep one of a series of nights: control trials, a budget for the whole night, a last word."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.api.finishing import Closing
from tuner.control.control_trials import Controls
from tuner.control.rules import Rules
from tuner.records.journal import Line


@dataclass(frozen=True)
class NightPlan:
    """What a night adds to a sweep (`tuner nightly`)."""

    directory: str
    """Name of the run directory."""
    opening: Line
    """A line for the journal before the first trial."""
    closing: Closing
    controls: Controls | None
    """None on a first night whose best is to become the control."""
    seconds: float | None
    """Of the night's budget, what is left to this driver."""
    seconds_told: float | None
    """The whole budget."""
    gpu_seconds: float | None

    def rules(self, rules: Rules) -> Rules:
        limits = [
            (left, told)
            for left, told in ((self.seconds, self.seconds_told), (rules.seconds, None))
            if left is not None
        ]
        hours = min(limits, key=lambda limit: limit[0], default=(None, None))
        return replace(
            rules,
            controls=self.controls,
            seconds=hours[0],
            seconds_told=hours[1],
            gpu_seconds=self.gpu_seconds,
            spare_finalists=True,
        )
