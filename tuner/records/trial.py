"""A trial and a sweep as records: what the report, the tracking and the API read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import Diagnosis, Finding
from tuner.records.values import Config

COMPLETED, PRUNED, DOOMED, FAILED, INTERRUPTED = "completed", "pruned", "doomed", "failed", "interrupted"
CONTROL = "control"
"""The origin of a control trial, and the kind of the journal's line that begins one."""
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
    seed: int = 0
    """From which its weights, order of data and dropout were drawn."""
    repeat_of: str | None = None
    """The trial whose configuration it trains again on a further seed; such a one is called `0017-2`."""

    @property
    def seconds(self) -> float:
        """Wall seconds of all its epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def verdict(self) -> str | None:
        return self.diagnosis.verdict if self.diagnosis else None


@dataclass(frozen=True, slots=True)
class FinalTest:
    """One look at the test split, at the very end."""

    trial: str
    """The sweep's best trial."""
    training: str
    """Whose weights were tested: the trial itself, or its configuration on a further seed (`0017-2`)."""
    epoch: int
    """Of the checkpoint."""
    metrics: Mapping[str, float]
    """On the test split: `test_loss`, and the task's own, `test_accuracy`."""
    validation: Mapping[str, float]
    """The same weights on the validation split: `val_loss`, `val_accuracy`."""
    noise: Mapping[str, float]
    """Standard error of the difference between the two, by metric without its prefix: `loss`, `accuracy`."""
    n_test: int
    n_val: int
    touched: int
    """How often this run has looked at the test split, this time included."""
    at: float
    """Unix seconds."""
    says: str
    """Test against validation, in one sentence."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that was lost while it trained; the trial went back to its last checkpoint."""

    trial: str
    failure: str
    """`lost`, `evicted`, `preempted` or `storage`."""
    reason: str
    at: float
    """Unix seconds."""
    node: str | None = None
    node_gone: bool = False
    """The whole node was lost."""


@dataclass(frozen=True, slots=True)
class AvoidedNode:
    """A node on which no further workers were started for a while."""

    node: str
    at: float
    until: float
    """Unix seconds."""
    reason: str


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
    """One a configuration: its first training. Those on further seeds are `repeats`."""
    findings: tuple[Finding, ...] = ()
    """Of the sweep as a whole."""
    reason: str = ""
    """Why it was stopped or failed."""
    started_at: float = 0.0
    ended_at: float | None = None
    task: str | None = None
    warm: tuple[str, ...] = ()
    """What became of the trials of each earlier run that it started from, in words."""
    parameters: tuple[ParameterRecord, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """`total`, `training`, `orchestration`, `tracking`: summed over the drivers of this run."""
    attempt: int = 1
    """How many drivers it has had."""
    repeats: tuple[TrialRecord, ...] = ()
    """The trainings of its trials' configurations on further seeds: no configurations of their own."""
    seeds_each: int = 1
    """On how many seeds each configuration is trained that comes to its end: `search.repeats`."""
    final_seeds: int = 0
    """On how many further seeds each finalist is trained: `search.finalists`."""
    finalists: tuple[str, ...] = ()
    """The trials that are trained again, once the search is over."""
    final_test: FinalTest | None = None
    """What the test split said of the best one, where it was asked."""
    controls: tuple[TrialRecord, ...] = ()
    """Control trials: a frozen configuration on fixed seeds, beside the search."""
    night: Mapping[str, str] = field(default_factory=dict)
    """Of a sweep of every night: `id`, `verdict`, `why`, `state`, `control`."""
    losses: tuple[Loss, ...] = ()
    """Lost workers, in order."""
    avoided: tuple[AvoidedNode, ...] = ()
    away: tuple[tuple[float, float], ...] = ()
    """Times without a driver, between one that stopped or was killed and the next: (from, to), Unix seconds."""

    @property
    def everything(self) -> tuple[TrialRecord, ...]:
        """All that was trained, the control trials too."""
        return self.trainings + self.controls

    @property
    def trainings(self) -> tuple[TrialRecord, ...]:
        """The trials, then their repeats: what the search came to."""
        return self.trials + self.repeats

    @property
    def best(self) -> TrialRecord | None:
        """The trial whose configuration has the best mean over its seeds, where there are further seeds; else the one
        with the best value, the earlier one of two equals. Doomed and failed trials never win."""
        from tuner.records.seeds import chosen_by_mean  # which reads these records

        chosen = chosen_by_mean(self)
        if chosen is not None:
            return chosen.trial
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
