"""How a sweep is run, beside what its file says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuner.api.night_plan import NightPlan
from tuner.api.warm import Warm
from tuner.records.journal import Line

TRACKING_WAIT_SECONDS = 60.0
"""How long a finished sweep waits for its records to arrive in MLflow; `tuner track RUN` brings the rest."""


class Display(Protocol):
    """What a person sees while a sweep runs (`report.live`)."""

    def lines(self, lines: Sequence[Line]) -> None: ...
    def refresh(self, now: float) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Launch:
    """What a command line, or a caller from Python, says of one start of a sweep."""

    runs: Path = Path("runs")
    name: str | None = None
    """Of a new run's directory; None: the sweep's name, the date and four letters."""
    address: str | None = None
    """Ray's address; None: a Ray of its own on this machine; `none`: in this process, without Ray."""
    cpus: int | None = None
    """For a Ray of its own: CPUs to offer; None: all of the machine."""
    track: bool = True
    tracking_wait: float = TRACKING_WAIT_SECONDS
    display: Callable[[float | None], Display] | None = None
    """Makes the view; it is told when the clock ends the sweep, in Unix seconds, or None."""
    loop: Callable[..., object] | None = None
    """The user's training function itself, where it was not given by name."""
    warm: Warm | None = None
    """What a new sweep is told of earlier ones, where it was gathered already."""
    night: NightPlan | None = None
    """What makes it one of a sweep's nights."""
