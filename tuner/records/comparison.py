"""Runs side by side as records: what `tuner compare` found, and all that its page and its table are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.trial import SweepRecord, TrialRecord

NOT_THERE = "not there"
BETTER, LEADS, TIED, SAME, UNKNOWN, NONE = "better", "leads", "tied", "same", "unknown", "none"
"""What is known of a difference: more than noise; more than the part of the noise that is known; no more than noise;
none at all; noise unknown; not comparable."""
LEVELS = (BETTER, LEADS, TIED, SAME, UNKNOWN, NONE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting, package or the like that is not the same on all sides."""

    what: str
    """`space.lr`, `torch`."""
    told: tuple[str, ...]
    """A value a side, NOT_THERE where it has none; none of them is cut so short that two look alike."""


@dataclass(frozen=True, slots=True)
class BestValue:
    """What a side's best configuration came to."""

    trial: TrialRecord
    value: float
    """The mean over its seeds, where it was trained on several; else its one value."""
    noise: float | None
    """Standard error of `value`, as far as it is known."""
    freedom: int | None
    """Degrees of freedom behind `noise`; None: as many as one likes."""
    seeds: int
    """Trainings behind the value."""
    basis: str
    """Where the noise is from: `seeds`, `epochs` (its curves' last ones), `examples` (of validation), or empty."""
    interval: tuple[float, float] | None
    """95 % interval; of one training without what another seed would change."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the runs."""

    label: str
    """`A`, `B`, ... in the order in which they were given."""
    name: str
    source: str
    """`run`, `night` or `mlflow`."""
    record: SweepRecord
    best: BestValue | None = None
    settings: Mapping[str, object] | None = None
    """Path in the sweep file -> value, the space apart; None where it is not known."""
    space: Mapping[str, str] = field(default_factory=dict)
    """`space.lr` -> `1e-05 to 1 (log)`."""
    code: str = "unknown"
    data: str = "unknown"
    packages: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    over_trials: tuple[tuple[float, float], ...] = ()
    """(trials ended, best value so far), where it changes."""
    over_seconds: tuple[tuple[float, float], ...] = ()
    """(seconds trained, best value so far), where it changes."""
    training_seconds: float = 0.0
    gpu_hours: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One side beside the one with the best value."""

    label: str
    level: str
    """One of LEVELS."""
    behind: float | None
    """By how much it is worse, in the metric's unit."""
    interval: tuple[float, float] | None
    """95 % interval of `behind`, of the noise that is known."""
    says: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Which is better, and whether by more than noise."""

    says: str
    level: str
    leader: str | None = None
    """Label of the side with the best value, where one has it alone and values can be compared."""
    caveat: str = ""
    """What keeps it from being sure, and what would tell."""
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Mix:
    """Whether the trials' verdicts are spread otherwise."""

    differs: bool
    chance: float
    """How easily luck alone brings the clearest difference, corrected for how many were looked at."""
    says: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two to ten runs."""

    sides: tuple[Side, ...]
    metric: str | None
    """The one that all are judged by; None where they are judged by several."""
    mode: str | None
    answer: Answer
    settings: tuple[Difference, ...]
    of_the_run: tuple[Difference, ...]
    """Settings that say where a run lies and what it began from, rather than what is tried."""
    conditions: tuple[Difference, ...]
    """Code, data, machine."""
    packages: tuple[Difference, ...]
    mix: Mix
    notes: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        return bool(self.settings or self.of_the_run or self.conditions or self.packages)
