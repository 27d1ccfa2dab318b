"""A Gaussian process, Optuna's: few trials that cost much are worth the seconds that it thinks.

Optuna's learns from complete trials alone and in one fixed set of parameters. So each suggestion gets a study made
for it: pruned trials stand there with the best that they reached, diverged ones with the worst of all; a parameter that
is not active stands in the middle of its range. Values far above the rest are cut to Tukey's upper fence, or one
exploded loss would make all others look alike.

It takes half a second with a hundred trials and seconds with more. So it thinks ahead, in a process beside this one:
the next suggestion is begun when one is handed out, on what is known then. And it sees a window of a long history.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuner.records.trial import COMPLETED, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import Config, Scalar
from tuner.search import translation
from tuner.search.given import check
from tuner.search.gp_helper import Helper
from tuner.search.gp_proposal import Question, answer
from tuner.search.seeds import generator, seed_32
from tuner.search.window import Limits, Window
from tuner.space import Space

LIMITS = Limits(best=50, recent=100, spread=50)
RUNNING = 64
"""Running trials that are seen at most, the latest."""


@dataclass
class _Trial:
    config: Config
    ended: bool = False
    value: float | None = None
    """Oriented: lower is better; None with `ended`: it diverged."""


class GpSearcher:
    """Random for the first `startup` trials that tell something; then expected improvement."""

    name = "gp"

    def __init__(self, space: Space, *, mode: str, seed: int, startup: int = 10, limits: Limits = LIMITS) -> None:
        self._space, self._seed, self._startup = space, seed, startup
        self._sign = 1.0 if mode == "min" else -1.0
        self._distributions = translation.distributions(space)
        self._trials: dict[int, _Trial] = {}
        self._window = Window(limits)
        self._helper = Helper()
        self._prepared: int | None = None
        """The trial that the helper thinks about."""

    def prepare(self, number: int) -> None:
        question = self._question(number)
        if question is None:
            self._helper.start()
        else:
            self._helper.ask(question)
            self._prepared = number

    def ready(self, number: int) -> bool:
        return self._prepared != number or self._helper.ready()

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        """Asked again it draws at random: whatever the seed, what it expects most of is what it said before."""
        self._trials.pop(number, None)
        if again:
            config = self._space.sample(generator(self._seed, number, again))
        elif self._prepared == number:
            config = translation.untold(self._space, self._helper.answer())
        elif (question := self._question(number)) is not None:
            config = translation.untold(self._space, answer(question))
        else:
            config = self._space.sample(generator(self._seed, number))
        self._trials[number] = _Trial(config)
        return config

    def begin(self, number: int, config: Config) -> None:
        check(self._space, number, config)
        self._trials[number] = _Trial(config)

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """What counts is the best value, told at the end."""

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        trial = self._trials.get(number)
        if trial is None or trial.ended or ending == INTERRUPTED:
            return
        if diverged or (ending in (COMPLETED, PRUNED, DOOMED) and not _finite(value)):
            trial.ended = True
        elif ending in (COMPLETED, PRUNED, DOOMED):
            assert value is not None
            trial.ended, trial.value = True, self._sign * value
        else:  # it raised: nothing is known of its region
            del self._trials[number]
            return
        for gone in self._window.end(number, (math.inf if trial.value is None else trial.value,)):
            del self._trials[gone]

    def _question(self, number: int) -> Question | None:
        """None while there is too little to learn from."""
        values = [trial.value for trial in self._trials.values() if trial.value is not None]
        if len(values) < self._startup or not self._distributions:
            return None
        fence = _upper_fence(values)
        running = [known for known, trial in self._trials.items() if not trial.ended]
        unseen = set(running[:-RUNNING])
        rows = []
        for known, trial in self._trials.items():
            if known not in unseen:
                value = fence if trial.value is None else min(trial.value, fence)
                rows.append((translation.told_whole(self._space, trial.config), value if trial.ended else None))
        return Question(self._distributions, tuple(rows), seed_32(self._seed, number))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _upper_fence(values: list[float]) -> float:
    """Where a box plot's whisker ends: the greatest value up to the third quartile and 1.5 times the box."""
    low, high = np.quantile(values, [0.25, 0.75])
    return max(value for value in values if value <= high + 1.5 * (high - low))
