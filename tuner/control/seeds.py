"""Further seeds: which configurations are trained again, and what the searcher is told of them.

A training on a further seed (`0017-2`) is trained to its end: it meets no rung, only a loss that is not finite dooms
it, and neither scheduler nor searcher hears of it. With `repeats`, the configurations that came to their end on their
first seed are trained on the others at once, and the searcher is told of such a configuration when all its seeds have
ended: the mean of their values, or that it diverged where one did. Finalists are chosen once nothing of the search is
left: the searcher, which will not be asked again, is told nothing of them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.control.rules import Rules
from tuner.control.trials import ENDED, PAUSED, LiveTrial, trial_seed
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED

REPEAT, FINALIST = "repeat", "finalist"


@dataclass(frozen=True, slots=True)
class Told:
    """What the searcher hears of a configuration that is over."""

    number: int
    ending: str
    value: float | None
    diverged: bool


class FurtherSeeds:
    """Follows the trials of one controller; its state follows from the journal's lines alone."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._first: dict[str, LiveTrial] = {}
        self._further: dict[str, list[LiveTrial]] = {}
        self._due: deque[str] = deque()
        """Configurations that came to their end and lack repeats."""
        self.finalists: tuple[str, ...] | None = None
        """None until the search is over."""

    def add(self, live: LiveTrial) -> None:
        """A trial was suggested, or a training on a further seed began."""
        if live.repeat_of is not None:
            self._further.setdefault(live.repeat_of, []).append(live)
        else:
            self._first[live.trial] = live
            self.finalists = None  # the search goes on after all

    def next_repeat(self) -> LiveTrial | None:
        """The training that a configuration lacks of its repeats; to be entered by the caller."""
        while self._due:
            made = self._next(self._due[0], self._rules.repeats - 1, REPEAT)
            if made is not None:
                return made
            self._due.popleft()
        return None

    def next_final(self) -> LiveTrial | None:
        """The training that the finalists lack, seed by seed, so that all of them have as many when it is stopped."""
        for nth in range(1, self._rules.final_seeds + 1):
            for name in self.finalists or ():
                made = self._next(name, nth, FINALIST)
                if made is not None:
                    return made
        return None

    @property
    def left(self) -> bool:
        """Whether a search that is over is still to be followed by trainings."""
        if any(self._lacks(name, self._rules.repeats - 1) for name in self._due):
            return True
        if not self._rules.final_top:
            return False
        chosen = self.chosen() if self.finalists is None else self.finalists
        return any(self._lacks(name, self._rules.final_seeds) for name in chosen)

    def chosen(self) -> tuple[str, ...]:
        """The best configurations by their own values; a configuration that two trials had counts once."""
        sign = 1.0 if self._rules.mode == "min" else -1.0
        able = [t for t in self._first.values() if t.value is not None and _may_win(t)]
        able.sort(key=lambda t: (sign * (t.value or 0.0), t.number))
        distinct: list[LiveTrial] = []
        for trial in able:
            if len(distinct) < self._rules.final_top and all(trial.config != one.config for one in distinct):
                distinct.append(trial)
        return tuple(trial.trial for trial in distinct)

    def on_ending(self, live: LiveTrial, ending: str, *, diverged: bool) -> Told | None:
        """What the searcher is to be told now; None while seeds of the configuration are to come, or are none of
        its business."""
        if live.repeat_of is None:
            if ending != COMPLETED or self._rules.repeats == 1:
                return Told(live.number, ending, live.value, diverged)
            self._due.append(live.trial)
            return None
        if self._rules.repeats == 1 or not self._whole(live.repeat_of):
            return None
        first, *others = self._group(live.repeat_of)
        if any(one.ending == DOOMED for one in others):
            return Told(first.number, DOOMED, first.value, diverged=True)
        return Told(first.number, COMPLETED, self._mean(map(_value, (first, *others))), diverged=False)

    def reached(self, live: LiveTrial, metrics: Mapping[str, float]) -> str | None:
        """The target that is reached: by this epoch, with repeats by the mean of all seeds. Finalists end nothing."""
        if self._rules.repeats == 1:
            return None if live.repeat_of is not None else self._rules.reached(metrics)
        if live.repeat_of is None or not self._whole(live.repeat_of):
            return None
        group = self._group(live.repeat_of)
        targets = self._rules.target
        means = {name: self._mean(_best(one, name, self._rules.falls(name)) for one in group) for name in targets}
        return self._rules.reached({name: mean for name, mean in means.items() if mean is not None})

    def _lacks(self, name: str, wanted: int) -> bool:
        return len(self._further.get(name, ())) < wanted

    def _next(self, name: str, wanted: int, origin: str) -> LiveTrial | None:
        if not self._lacks(name, wanted):
            return None
        first, nth = self._first[name], 2 + len(self._further.get(name, ()))
        seed = trial_seed(self._rules.seed, first.number, nth)
        return LiveTrial(f"{name}-{nth}", first.number, first.config, origin, seed, repeat_of=name, nth=nth)

    def _group(self, name: str) -> list[LiveTrial]:
        return [self._first[name], *self._further.get(name, ())]

    def _whole(self, name: str) -> bool:
        group = self._group(name)
        return len(group) >= self._rules.repeats and all(
            one.state == ENDED and one.ending != INTERRUPTED for one in group
        )

    @staticmethod
    def _mean(values: Any) -> float | None:
        """Of those that there are: a seed whose worker was lost for good says nothing of the configuration."""
        there = [value for value in values if value is not None]
        return math.fsum(there) / len(there) if there else None


def further_seed_line(live: LiveTrial) -> dict[str, Any]:
    return {
        "kind": "further_seed",
        "trial": live.trial,
        "of": live.repeat_of,
        "nth": live.nth,
        "number": live.number,
        "config": dict(live.config),
        "origin": live.origin,
        "seed": live.seed,
    }


def from_line(line: Mapping[str, Any]) -> LiveTrial:
    """The inverse, for a replay."""
    return LiveTrial(
        line["trial"],
        line["number"],
        line["config"],
        line["origin"],
        line["seed"],
        repeat_of=line["of"],
        nth=line["nth"],
    )


def _may_win(trial: LiveTrial) -> bool:
    return trial.state == PAUSED or (trial.state == ENDED and trial.ending in (COMPLETED, PRUNED))


def _value(trial: LiveTrial) -> float | None:
    return trial.value if trial.ending == COMPLETED else None


def _best(trial: LiveTrial, name: str, falls: bool) -> float | None:
    if trial.ending in (DOOMED, FAILED):
        return None
    values = [row.metrics[name] for row in trial.epochs if math.isfinite(row.metrics.get(name, math.nan))]
    return (min(values) if falls else max(values)) if values else None
