"""What the next trial is to be: the configurations that were given, then the searcher's, none of them twice.

A suggestion may be thought out while trials run. It begins when the last one has been written and at no other time, so
the journal's order alone decides what a suggestion saw, however long it took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tuner.control.clock import Budget
from tuner.control.repeats import Tried
from tuner.control.rules import Rules
from tuner.control.seeds import Told
from tuner.records.journal import Line
from tuner.records.values import Config, decode_number
from tuner.search.interface import ForesightedSearcher, Searcher
from tuner.space import identity

AGAIN = "earlier"
"""The origin of a configuration that was among the best of an earlier search and is trained again."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """The configuration of trial `number`."""

    number: int
    config: Config
    origin: str
    repeats: tuple[str, ...] = ()
    """The trials whose configurations the searcher named before."""
    seen: int | None = None
    """The endings that the searcher had been told when it began to think; None where it did so at once."""

    def line(self, trial: str, seed: int) -> dict[str, Any]:
        line: dict[str, Any] = {
            "kind": "suggestion",
            "trial": trial,
            "number": self.number,
            "config": dict(self.config),
            "origin": self.origin,
            "seed": seed,
        }
        if self.repeats:
            line["tried"] = list(self.repeats)
        if self.seen is not None:
            line["seen"] = self.seen
        return line


class Suggestions:
    """The searcher, and what it was asked and told."""

    def __init__(self, rules: Rules, searcher: Searcher, budget: Budget) -> None:
        self.searcher = searcher
        self.tried = Tried(rules.space, rules.seed)
        self.given = list(rules.first)
        """(origin, configuration) of the first trials, before the searcher is asked: the user's, then old ones."""
        self.count = 0
        """Trials that have been suggested."""
        self._rules, self._budget = rules, budget
        # Asked once: whether something is of a protocol takes 50 µs, and each suggestion would ask anew.
        self._foresighted = searcher if isinstance(searcher, ForesightedSearcher) else None
        self._told_endings = 0
        self._prepared: tuple[int, int] | None = None
        """(number, endings told before): the suggestion that is being thought out."""

    @property
    def more(self) -> bool:
        """The searcher is to be asked again, as far as is known."""
        enough = self._rules.trials is not None and self.count >= self._rules.trials
        return not (enough or self._budget.search_over or self.tried.exhausted)

    def next(self, *, wait: bool) -> Suggested | None:
        """None when there is nothing left to try, and without `wait` while it is still being thought out."""
        number = self.count
        if not self.more:
            return None
        if not wait and self._foresighted is not None and not self._foresighted.ready(number):
            return None
        seen = self._prepared[1] if self._prepared is not None and self._prepared[0] == number else None
        if number < len(self.given):
            origin, config = self.given[number]
            self.searcher.begin(number, config)
            return Suggested(number, config, origin, seen=seen)
        found = self.tried.ask(self.searcher, number)
        return None if found is None else Suggested(number, found.config, found.origin, found.repeats, seen)

    def add(self, trial: str, number: int, config: Config) -> None:
        """A trial has begun that the searcher knows of already."""
        self.tried.add(trial, config)
        self.count = max(self.count, number + 1)

    def prepare_next(self) -> None:
        """Have the next suggestion thought out on what the journal holds now."""
        number = self.count
        asked = number >= len(self.given) and self.more
        if asked and self._foresighted is not None:
            self._prepared = number, self._told_endings
            self._foresighted.prepare(number)

    def on_end(self, told: Told) -> None:
        self._told_endings += 1
        self.searcher.on_trial_end(told.number, told.ending, told.value, diverged=told.diverged)

    def warm(self, line: Line) -> None:
        """Tell the searcher of an earlier run's trial, which is none of this sweep's.

        The scheduler hears nothing of it: its rungs are this sweep's alone.
        """
        number, value = line["number"], line["value"]
        if line.get("again") and identity(line["config"]) not in {identity(config) for _, config in self.given}:
            self.given.append((AGAIN, line["config"]))
        if not line.get("told", True):
            return
        if line.get("exact"):
            self.tried.add(f"{line['run']}/{line['source']}", line["config"])
        self.searcher.begin(number, line["config"])
        for epoch, reported in line["reports"]:
            self.searcher.on_trial_result(number, epoch, decode_number(reported))
        best = None if value is None else decode_number(value)
        self.searcher.on_trial_end(number, line["ending"], best, diverged=line["diverged"])
