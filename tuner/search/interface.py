"""What is a searcher and what is a scheduler: the one says what to try next, the other who goes on.

Both are deterministic: the seed and what they were told, in the order in which they were told it, decide what they
say. So a searcher or scheduler that is told again what the journal holds is the one that was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tuner.records.values import Config, Scalar

ASKS = 4
"""How often a searcher is asked for one trial at most, while it names configurations that were tried already."""


class Searcher(Protocol):
    """Says what to try next. Told of every trial by its number and of the metric as it was reported, never oriented."""

    name: str
    """As `search.algorithm` in a sweep file names it; stands as a trial's origin in the journal."""

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        """A configuration for trial `number`, which runs from then on; None when there is nothing left to try.

        `again`: how often it was asked for this trial before. What it said then was tried already and is forgotten, so
        it draws anew. A searcher that is told in the end, by `begin`, what the trial runs is as if asked for just that.
        """
        ...

    def begin(self, number: int, config: Config) -> None:
        """Trial `number` runs this configuration (a default, an enqueued or a journalled one): as if suggested."""
        ...

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """The metric of trial `number` at `epoch`. An epoch that was reported before changes nothing."""
        ...

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        """Trial `number` is over; a second time changes nothing.

        `ending` is one of `records.trial.ENDINGS`; `value` the metric at its best epoch, None where there is none.
        `diverged`: its region is to be avoided (a loss gone NaN, no memory for it), as opposed to a trial that merely
        raised. An interrupted trial goes on some day, so of its end nothing is learnt.
        """
        ...


@runtime_checkable
class ForesightedSearcher(Searcher, Protocol):
    """A searcher that takes so long to think that it begins before it is asked."""

    def prepare(self, number: int) -> None:
        """Begin to think about trial `number`, on what is known now; what is told from now on is not for it."""
        ...

    def ready(self, number: int) -> bool:
        """Whether `suggest(number)` answers without much thought."""
        ...


@dataclass(frozen=True, slots=True)
class RungDecision:
    """What a scheduler decided about a trial at a rung."""

    promoted: bool
    """The trial goes on; else it is pruned."""
    epoch: int
    """The rung's epoch."""
    reason: str
    """`3rd of 9 at epoch 3; the best 3 go on`."""
    paused: bool = False
    """Not promoted now, perhaps later: the trial keeps its checkpoint. One still paused at the end was pruned."""


class Scheduler(Protocol):
    """Says who goes on. Values are oriented: lower is better, NaN is worst."""

    name: str
    """As `search.scheduler` in a sweep file names it."""

    def on_trial_result(self, trial: str, epoch: int, value: float) -> RungDecision | None:
        """The trial's metric at `epoch`; None where no rung is: the trial goes on.

        The same report again gets the same answer and changes nothing.
        """
        ...

    def on_trial_lost_for_good(self, trial: str, *, worst: bool) -> None:
        """The trial ended before its later rungs: `worst` there (doomed, no memory), else absent (it raised)."""
        ...


@runtime_checkable
class PausingScheduler(Scheduler, Protocol):
    """A scheduler whose trials wait at a rung until enough others have come to tell who goes on."""

    def next_promoted(self, *, last: bool = False) -> str | None:
        """The paused trial that is to go on before anything new is tried; None when there is none. Changes nothing.

        `last`: nothing new will come and nothing runs, so that the best trial goes on to its last epoch.
        """
        ...

    def on_trial_promoted(self, trial: str) -> None:
        """The trial goes on, now or in the journal that is being replayed."""
        ...
