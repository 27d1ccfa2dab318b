"""A sweep as MLflow tells it, ours or anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.trial import SweepRecord


@dataclass(frozen=True, slots=True)
class TrackedSweep:
    """What is not known is left empty."""

    record: SweepRecord
    sweep_file: str | None = None
    """The resolved sweep file, where the run keeps one."""
    commit: str | None = None
    dirty: bool = False
    data_hash: str | None = None
    """The beginning of it."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Those that were noted."""
    sweeps: int = 1
    """How many sweeps of ours an experiment holds; more than one are taken together."""
