"""CMA-ES, Optuna's: for spaces of numbers, hundreds of trials and workers that stay busy.

All parameters are asked for, active or not, and a choice as a number of which each option has a share; so a branch that
was not chosen drifts. Pruned trials are told with the best that they reached, diverged ones with the worst of all so
far: only the order counts here.

Optuna keeps the state of the evolution in its trials. When a journal is replayed, each suggestion is asked for again: a
configuration that is the one asked for is part of the evolution as it was; any other was given by the user, and is not.
"""

from __future__ import annotations

import math

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import CmaEsSampler
from optuna.trial import TrialState

from tuner.errors import Fault, InputError
from tuner.records.trial import COMPLETED, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import Config, Scalar
from tuner.search import translation
from tuner.search.cube import is_active
from tuner.search.given import check
from tuner.search.interface import ASKS
from tuner.search.seeds import seed_32
from tuner.search.study import quiet_study
from tuner.search.window import Limits
from tuner.search.windowed_storage import WindowedStorage
from tuner.space import Choice, Constant, Space, same

LIMITS = Limits(best=1, recent=512, spread=1)
"""The evolution's state stands in one of its latest trials, and its generation are the latest: the rest is past."""


class CmaEsSearcher:
    """Asks Optuna's sampler, made anew for each trial with the trial's own seed."""

    name = "cmaes"

    def __init__(self, space: Space, *, mode: str, seed: int) -> None:
        """Raises InputError where there is nothing to evolve."""
        self._space, self._seed = space, seed
        self._sign = 1.0 if mode == "min" else -1.0
        self._distributions: dict[str, BaseDistribution] = {
            name: FloatDistribution(0.0, 1.0) if isinstance(space[name].domain, Choice) else found
            for name, found in translation.distributions(space).items()
        }
        if not any(item.is_searched for item in space.parameters):
            raise InputError("the search", (Fault("search.algorithm", "cmaes", "needs a parameter to search"),))
        self._study = quiet_study(CmaEsSampler(seed=0), "min", WindowedStorage(LIMITS, "min"))
        self._running: dict[int, optuna.Trial] = {}
        self._asked: dict[int, int] = {}
        """How often, of each trial that was suggested: the evolution's random numbers hang on it."""
        self._worst: float | None = None

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        self._forget(number)
        self._asked[number] = again + 1
        self._running[number], config = self._ask(number, again)
        return config

    def begin(self, number: int, config: Config) -> None:
        check(self._space, number, config)
        self._forget(number)
        for again in range(self._asked.pop(number, 0), ASKS):  # as often as a sweep asks for one trial
            trial, asked = self._ask(number, again)
            if list(asked) == list(config) and all(same(asked[name], config[name]) for name in asked):
                self._running[number] = trial
                return
            self._study.tell(trial, state=TrialState.FAIL)

    def _forget(self, number: int) -> None:
        """What the trial was first given was tried already, so it is no part of the evolution."""
        if number in self._running:
            self._study.tell(self._running.pop(number), state=TrialState.FAIL)

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """What counts is the best value, told at the end."""

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        if ending == INTERRUPTED or number not in self._running:
            return
        trial = self._running.pop(number)
        if ending in (COMPLETED, PRUNED, DOOMED) and not diverged and value is not None and math.isfinite(value):
            told: float | None = self._sign * value
            self._worst = max(self._sign * value, self._worst if self._worst is not None else -math.inf)
        else:
            told = self._worst if diverged else None
        if told is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, told)

    def _ask(self, number: int, again: int) -> tuple[optuna.Trial, dict[str, Scalar]]:
        self._study.sampler = CmaEsSampler(seed=seed_32(self._seed, number, again), warn_independent_sampling=False)
        trial = self._study.ask(self._distributions)
        config: dict[str, Scalar] = {}
        for item in self._space.parameters:
            if is_active(item, config):
                match item.domain:
                    case Constant(value):
                        config[item.name] = value
                    case Choice() as choice:
                        config[item.name] = choice.from_unit(trial.params[item.name])
                    case _:
                        config[item.name] = trial.params[item.name]
        return trial, config
