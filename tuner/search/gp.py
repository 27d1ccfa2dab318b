"""A Gaussian process, Optuna's: few trials that cost much are worth the seconds that it thinks.

Optuna's learns from complete trials alone and in one fixed set of parameters. So each suggestion gets a study made
for it: pruned trials stand there with the best that they reached, diverged ones with the worst of all; a parameter that
is not active stands in the middle of its range. Values far above the rest are cut to Tukey's upper fence, or one
exploded loss would make all others look alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from optuna.samplers import GPSampler
from optuna.trial import TrialState, create_trial

from tuner.records.trial import COMPLETED, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import Config, Scalar
from tuner.search import translation
from tuner.search.seeds import generator, seed_32
from tuner.search.study import quiet_study
from tuner.space import Space


@dataclass
class _Trial:
    config: Config
    ended: bool = False
    value: float | None = None
    """Oriented: lower is better; None with `ended`: it diverged."""


class GpSearcher:
    """Random for the first `startup` trials that tell something; then expected improvement."""

    name = "gp"

    def __init__(self, space: Space, *, mode: str, seed: int, startup: int = 10) -> None:
        self._space, self._seed, self._startup = space, seed, startup
        self._sign = 1.0 if mode == "min" else -1.0
        self._distributions = translation.distributions(space)
        self._trials: dict[int, _Trial] = {}

    def suggest(self, number: int) -> dict[str, Scalar] | None:
        values = [trial.value for trial in self._trials.values() if trial.value is not None]
        if len(values) < self._startup or not self._distributions:
            config = self._space.sample(generator(self._seed, number))
        else:
            config = self._ask(number, _upper_fence(values))
        self._trials[number] = _Trial(config)
        return config

    def begin(self, number: int, config: Config) -> None:
        translation.check(self._space, number, config)
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

    def _ask(self, number: int, fence: float) -> dict[str, Scalar]:
        sampler = GPSampler(seed=seed_32(self._seed, number), n_startup_trials=1, warn_independent_sampling=False)
        study = quiet_study(sampler, "min")
        for trial in self._trials.values():
            value = fence if trial.value is None else min(trial.value, fence)
            study.add_trial(
                create_trial(
                    state=TrialState.COMPLETE if trial.ended else TrialState.RUNNING,
                    value=value if trial.ended else None,
                    params=translation.told_whole(self._space, trial.config),
                    distributions=self._distributions,
                )
            )
        return translation.untold(self._space, study.ask(self._distributions).params)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _upper_fence(values: list[float]) -> float:
    """Where a box plot's whisker ends: the greatest value up to the third quartile and 1.5 times the box."""
    low, high = np.quantile(values, [0.25, 0.75])
    return max(value for value in values if value <= high + 1.5 * (high - low))
