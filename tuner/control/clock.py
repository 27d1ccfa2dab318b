"""When a sweep has used up what it may cost, and when its search has to end so that the finalists can be trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuner.control.rules import Rules
from tuner.records.epochs import EpochMetrics

SLACK = 1.25
"""By how much the finalists may take longer than what was seen so far says."""


@dataclass
class Budget:
    """What was spent, epoch by epoch."""

    rules: Rules
    began: float
    """Unix seconds."""
    epochs: int = 0
    epoch_seconds: float = 0.0
    at_once: int = 1
    """The most trials that ran at the same time."""
    search_over: str = field(default="", init=False)
    """Why nothing more is suggested, while what was chosen is still trained."""

    def spend(self, epoch: EpochMetrics) -> None:
        self.epochs += 1
        self.epoch_seconds += epoch.seconds

    def over(self, now: float) -> str | None:
        """Why the sweep ends now, in words."""
        rules = self.rules
        if rules.seconds is not None and now - self.began >= rules.seconds:
            hours = rules.seconds if rules.seconds_told is None else rules.seconds_told
            return f"{hours / 3600:g} hours are over"
        if rules.gpu_seconds is not None and self.epoch_seconds * rules.gpus >= rules.gpu_seconds:
            return f"{rules.gpu_seconds / 3600:g} GPU hours are spent"
        return None

    def time_for_finalists(self, now: float) -> bool:
        """Whether the rest of the budget is what the finalists will need."""
        rules = self.rules
        if not rules.spare_finalists or not rules.final_top or not self.epochs or self.search_over:
            return False
        each = self.epoch_seconds / self.epochs
        trainings = rules.final_top * rules.final_seeds
        one = each * rules.max_epochs
        if rules.seconds is not None:
            rounds = -(-trainings // self.at_once)
            if now - self.began + (rounds * one + one) * SLACK >= rules.seconds:
                return True
        if rules.gpu_seconds is not None:
            return (self.epoch_seconds + trainings * one * SLACK) * rules.gpus >= rules.gpu_seconds
        return False
