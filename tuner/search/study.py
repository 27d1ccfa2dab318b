"""Optuna's study in memory, told as the table of endings says; one of Optuna's samplers stands behind it.

Optuna's `ask` wants to sample all parameters at once or one by one. Here a sampler of ours, the guide, stands between:
for each group of parameters that are active together it asks Optuna's sampler once, parents first, so that a branch
that was not chosen costs nothing and leaves no trace. A configuration that is given goes through the same guide.
Therefore a study that is told a journal's trials is equal to the one that was lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.records.trial import COMPLETED, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import Config, Scalar
from tuner.search import translation
from tuner.search.given import check
from tuner.search.seeds import seed_32
from tuner.search.window import Limits
from tuner.search.windowed_storage import WindowedStorage
from tuner.space import Space

MakeSampler = Callable[[int], BaseSampler]
"""Optuna's sampler with this seed."""


class StudySearcher:
    """A searcher that asks one of Optuna's samplers, made anew for each trial with the trial's own seed."""

    def __init__(
        self, name: str, space: Space, make_sampler: MakeSampler, *, mode: str, seed: int, limits: Limits
    ) -> None:
        """`limits`: what the sampler sees of a long history."""
        self.name = name
        self._space, self._make_sampler, self._seed = space, make_sampler, seed
        self._guide = _Guide(translation.groups(space))
        self._study = quiet_study(self._guide, mode, WindowedStorage(limits, mode))
        self._running: dict[int, optuna.Trial] = {}
        self._reports: dict[int, dict[int, float]] = {}

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        self._guide.ask(self._make_sampler(seed_32(self._seed, number, again)))
        return self._draw(number)

    def begin(self, number: int, config: Config) -> None:
        """Raises InputError for a configuration outside the space."""
        check(self._space, number, config)
        self._guide.give(translation.told(self._space, config))
        self._draw(number)

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        """Kept until the trial ends: a running trial's reports are nothing to Optuna's samplers."""
        if number in self._running:
            self._reports[number].setdefault(epoch, value)

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        if ending == INTERRUPTED or number not in self._running:
            return
        trial, reports = self._running.pop(number), self._reports.pop(number)
        diverged = diverged or (ending == COMPLETED and (value is None or math.isnan(value)))
        if diverged and not (reports and math.isnan(reports[max(reports)])):
            reports[max(reports, default=0) + 1] = math.nan
        if diverged or ending in (PRUNED, DOOMED):
            for epoch, reported in reports.items():
                trial.report(reported, epoch)
            self._study.tell(trial, state=TrialState.PRUNED)
        elif ending == COMPLETED:
            self._study.tell(trial, value)
        else:
            self._study.tell(trial, state=TrialState.FAIL)

    def _draw(self, number: int) -> dict[str, Scalar]:
        if number in self._running:  # what it was first given was tried already
            self._study.tell(self._running[number], state=TrialState.FAIL)
        trial = self._study.ask()
        config = translation.draw(self._space, trial)
        self._running[number], self._reports[number] = trial, {}
        return config


class _Guide(BaseSampler):
    """Answers Optuna's question for one parameter with a draw of its whole group, or with what was given."""

    def __init__(self, groups: Mapping[str, translation.Distributions]) -> None:
        self._groups = groups
        self._sampler: BaseSampler | None = None
        self._drawn: dict[str, Any] = {}

    def ask(self, sampler: BaseSampler) -> None:
        """The next trial's values come from this sampler."""
        self._sampler, self._drawn = sampler, {}

    def give(self, values: Mapping[str, Any]) -> None:
        """The next trial's values are these."""
        self._sampler, self._drawn = None, dict(values)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        return {}

    def sample_relative(
        self,
        study: optuna.Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        if param_name not in self._drawn:
            assert self._sampler is not None
            self._drawn |= self._sampler.sample_relative(study, trial, self._groups[param_name])
            if param_name not in self._drawn:  # too few trials yet to learn from
                self._drawn[param_name] = self._sampler.sample_independent(study, trial, param_name, param_distribution)
        return self._drawn[param_name]


def quiet_study(sampler: BaseSampler, mode: str, storage: BaseStorage | None = None) -> optuna.Study:
    """Optuna announces each new study on standard error; its level is put back at once, since it is the user's."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(
            storage=storage, sampler=sampler, direction="minimize" if mode == "min" else "maximize"
        )
    finally:
        optuna.logging.set_verbosity(level)
