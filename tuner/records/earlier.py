"""Trials of an earlier search, wherever they were recorded: what a warm start is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EarlierTrial:
    """One trial as its record tells it."""

    source: str
    """Its name there: `0017`, an MLflow run's name, an Optuna trial's number."""
    settings: Mapping[str, Any]
    """Recorded name -> value of all that is known of it, what was fixed included."""
    ending: str | None
    """One of `records.trial.ENDINGS`; None while it runs."""
    reports: tuple[tuple[int, float], ...] = ()
    """The metric at each epoch."""
    value: float | None = None
    """The metric where only one number is known, or its mean over several seeds; None: the best of `reports`."""
    diverged: bool = False
    data_hash: str | None = None
    """Of its data, or the beginning of it; None where nobody recorded it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier search."""

    name: str
    trials: tuple[EarlierTrial, ...]
    mode: str | None = None
    """`min` or `max`; None where it is not said."""
    max_epochs: int | None = None
    """Epochs of a trial that was not stopped: the horizon of its schedules."""
    commit: str | None = None
    """Of the code that it ran with, where that was clean."""
