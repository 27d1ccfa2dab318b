"""A trial as the controller sees it while it lives: where it stands, and how it can end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuner.records.epochs import Assignment, EpochMetrics, Facts
from tuner.records.history import History
from tuner.records.values import Scalar

WAITING, RUNNING, PAUSED, ENDED = "waiting", "running", "paused", "ended"


@dataclass
class LiveTrial:
    """One trial's state; the controller alone changes it."""

    trial: str
    number: int
    config: Mapping[str, Scalar]
    origin: str
    seed: int
    state: str = WAITING
    attempt: int = 0
    """Of the last assignment; reports of any other are stale."""
    losses: int = 0
    """How often its worker was lost, evictions included and pre-emptions not: `retries.times` counts these."""
    lost_in_a_row: int = 0
    """Workers lost since its last new epoch, pre-emptions included."""
    not_before: float = 0.0
    """Unix seconds before which it is not handed out again."""
    evictions: int = 0
    """How often its worker was ended as the node was short of memory."""
    failures: int = 0
    """How often it ended as failed; more than one after a resume alone."""
    epochs: list[EpochMetrics] = field(default_factory=list)
    facts: Facts | None = None
    node: str | None = None
    value: float | None = None
    """The raw metric at the best epoch so far."""
    best_epoch: int | None = None
    finished: str | None = None
    """Its own reason to end, told with its last epoch."""
    stop_at_rung: str | None = None
    """The scheduler's reason to stop it, until the ending is written."""
    paused: str | None = None
    """The scheduler's reason to let it wait at its rung, until it is promoted."""
    last_sign: float | None = None
    """Unix seconds of its last sign of life; None while it waits for a worker."""
    ending: str | None = None
    repeat_of: str | None = None
    """The trial whose configuration it trains again; None for a trial of the search."""
    control: bool = False
    """Whether it is a control trial, which the search does not hear of."""
    nth: int = 1
    """Which of its configuration's seeds it has, from 1."""

    @property
    def is_search(self) -> bool:
        """A trial of the search: no training of its configuration on a further seed, and no control."""
        return self.repeat_of is None and not self.control

    @property
    def last_epoch(self) -> int:
        return self.epochs[-1].epoch if self.epochs else 0

    def take(self, epoch: EpochMetrics, metric: str, mode: str) -> float | None:
        """Add an epoch; returns the metric at it, None where it was not measured."""
        self.epochs.append(epoch)
        value = epoch.metrics.get(metric)
        if value is not None and math.isfinite(value):
            sign = 1.0 if mode == "min" else -1.0
            if self.value is None or sign * value < sign * self.value:
                self.value, self.best_epoch = value, epoch.epoch
        return value

    def history(self, max_epochs: int, task: str | None) -> History:
        return History.from_epochs(
            self.trial, self.epochs, self.facts, config=self.config, max_epochs=max_epochs, task=task
        )

    def assignment(self, max_epochs: int) -> Assignment:
        return Assignment(
            trial=self.trial,
            attempt=self.attempt,
            config=self.config,
            seed=self.seed,
            max_epochs=max_epochs,
            after_epoch=self.last_epoch,
        )


def trial_seed(sweep_seed: int, number: int, nth: int = 1) -> int:
    """The `nth` seed of trial `number`'s configuration: its own, and the same whenever the sweep runs again."""
    entropy = [sweep_seed, number] if nth == 1 else [sweep_seed, number, nth]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
