"""A sweep as it was read, resolved and checked: what every other room goes by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.records.values import Config
from tuner.space import Space
from tuner.sweep.nightly import Nightly
from tuner.sweep.sections import (
    DEFAULT_ALGORITHM,
    DEFAULT_SCHEDULER,
    CheckpointsSection,
    DataSection,
    FinalistsSection,
    RetriesSection,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """What is optimised."""

    name: str
    mode: str
    """`min` or `max`."""


@dataclass(frozen=True, slots=True)
class WarmStart:
    """An earlier search whose trials the searcher is told first."""

    run: str
    """Run directory or its name; `mlflow:EXPERIMENT_OR_RUN`; a file of Optuna's, `study.db` or `study.db#NAME`."""
    ignore: tuple[str, ...] = ()
    """Recorded names of parameters whose old values do not matter: a trial fits whatever it had there."""
    rename: tuple[tuple[str, str], ...] = ()
    """(old, new) recorded names, or branches: `optimizer.adam` -> `optimizer.adamw`."""
    trust: bool = False
    """The user says that data, code and horizon are the same: nothing is discounted."""


@dataclass(frozen=True, slots=True)
class Search:
    """How configurations are chosen and how long they may train."""

    algorithm: str = DEFAULT_ALGORITHM
    algorithm_options: Mapping[str, int] = field(default_factory=dict)
    scheduler: str = DEFAULT_SCHEDULER
    scheduler_options: Mapping[str, int] = field(default_factory=dict)
    trials: int | None = None
    """None: until the searcher has no more."""
    max_epochs: int = 1
    doomed: bool = True
    concurrency: int | None = None
    enqueue: tuple[Config, ...] = ()
    """Whole configurations, filled up from the defaults."""
    warm_start: tuple[WarmStart, ...] = ()
    repeats: int = 1
    """Seeds that each configuration is trained on which comes to its end."""
    finalists: FinalistsSection | None = None
    """Who is trained again when the search is over; never beside `repeats`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What ends the sweep cleanly before its last trial."""

    hours: float | None = None
    target: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resources:
    """What each worker of a trial is given, and how many of them a trial has."""

    cpu: float = 1.0
    gpu: float = 0.0
    memory: int | None = None
    """Bytes."""
    accelerator: str | None = None
    workers: int = 1
    custom: Mapping[str, float] = field(default_factory=dict)
    """Name of a resource that the cluster's owner gave to nodes -> amount."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where MLflow records the sweep."""

    uri: str | None = None
    experiment: str | None = None
    curves: str = "all"
    system_metrics: bool = False


@dataclass(frozen=True)
class Sweep:
    """One search over one space, made of trials. `task` or `loop` is set, never both."""

    name: str
    metric: Metric
    space: Space
    task: str | None = None
    loop: str | None = None
    model: str | None = None
    """The model of every trial, where the space does not choose one: a catalogue name or `my_package.nets:build`."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Recorded name -> value of what no trial changes; lists are tuples."""
    data: DataSection = field(default_factory=DataSection)
    search: Search = field(default_factory=Search)
    stop: Stop = field(default_factory=Stop)
    resources: Resources = field(default_factory=Resources)
    retries: RetriesSection = field(default_factory=RetriesSection)
    checkpoints: CheckpointsSection = field(default_factory=CheckpointsSection)
    storage: str | None = None
    tracking: Tracking = field(default_factory=Tracking)
    nightly: Nightly = field(default_factory=Nightly)
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What the reader changed or wants to say; no fault."""

    @property
    def slug(self) -> str:
        """The name as a folder can have it: lower case letters, digits and dashes."""
        ascii_only = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")[:60].strip("-") or "sweep"

    @property
    def split_seed(self) -> int:
        """From which the data is divided into training, validation and test."""
        return self.seed if self.data.seed is None else self.data.seed

    def settings(self, config: Config) -> dict[str, Any]:
        """All values of one trial by recorded name: what is fixed, and over it the trial's configuration."""
        model = {} if self.model is None else {"model": self.model}
        return {**model, **self.fixed, **config}
