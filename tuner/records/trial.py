"""A trial and a sweep as records: what the report, the tracking and the API read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import Diagnosis, Finding
from tuner.records.values import Config

COMPLETED, PRUNED, DOOMED, FAILED, INTERRUPTED = "completed", "pruned", "doomed", "failed", "interrupted"
ENDINGS = (COMPLETED, PRUNED, DOOMED, FAILED, INTERRUPTED)


def trial_name(number: int) -> str:
    """`0017`: how trial 17 is called everywhere."""
    return f"{number:04d}"


@dataclass(frozen=True, slots=True)
class Rung:
    """What the scheduler decided about a trial at one rung."""

    trial: str
    epoch: int
    value: float
    promoted: bool
    reason: str
    """`3rd of 9 at epoch 3, the best 3 go on`."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """All that is known of one trial."""

    trial: str
    number: int
    config: Config
    origin: str
    """Who proposed it: `default`, `enqueued`, `random`, `tpe`, `grid`, ..."""
    ending: str | None = None
    """One of ENDINGS; None while it runs or waits."""
    reason: str = ""
    value: float | None = None
    """The metric at its best epoch, raw; None before the first finite value."""
    best_epoch: int | None = None
    epochs: tuple[EpochMetrics, ...] = ()
    """Distinct epochs, sorted."""
    repeated: int = 0
    """Epochs trained a second time after a loss; not in `epochs`."""
    facts: Facts | None = None
    diagnosis: Diagnosis | None = None
    rungs: tuple[Rung, ...] = ()
    attempt: int = 0
    node: str | None = None
    traceback: str = ""
    failure: str = ""
    """What kind of failure ended it: `raised`, `out_of_memory`, `lost`, `silent`; else empty."""
    started_at: float | None = None
    """Unix seconds of its first start."""
    ended_at: float | None = None
    spans: tuple[tuple[float, float, str], ...] = ()
    """When and where it ran: (start, end, node) of each attempt, Unix seconds."""

    @property
    def seconds(self) -> float:
        """Wall seconds of all its epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def verdict(self) -> str | None:
        return self.diagnosis.verdict if self.diagnosis else None


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep as its journal tells it."""

    run: str
    """The run directory's name."""
    path: str
    name: str
    metric: str
    mode: str
    max_epochs: int
    total_trials: int
    """As many as the sweep file asks for; 0 when the searcher alone ends it."""
    status: str
    """`running`, `finished`, `stopped` or `failed`."""
    trials: tuple[TrialRecord, ...]
    findings: tuple[Finding, ...] = ()
    """Of the sweep as a whole."""
    reason: str = ""
    """Why it was stopped or failed."""
    started_at: float = 0.0
    ended_at: float | None = None
    task: str | None = None
    parameters: tuple[ParameterRecord, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`total`, `training`, `orchestration`, `tracking`: summed over the drivers of this run."""
    attempt: int = 1
    """How many drivers it has had."""

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the best value; the earlier one of two equals. Doomed and failed trials never win."""
        sign = 1.0 if self.mode == "min" else -1.0
        able = [t for t in self.trials if t.value is not None and t.ending not in (DOOMED, FAILED)]
        return min(able, key=lambda t: (sign * (t.value or 0.0), t.number), default=None)


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """One dimension of the space as a report needs it: kind, range and when it is active."""

    name: str
    kind: str
    """`float`, `int`, `choice` or `constant`."""
    low: float | None = None
    high: float | None = None
    log: bool = False
    options: tuple[str | int | float | bool | None, ...] = ()
    parent: str | None = None
    """The choice parameter that it is nested in, else None."""
    parent_value: str | int | float | bool | None = None
