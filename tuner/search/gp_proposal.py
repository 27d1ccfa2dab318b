"""One suggestion of the Gaussian process as a question that holds all it needs: the same answer in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import GPSampler
from optuna.trial import TrialState, create_trial

from tuner.search.study import quiet_study


@dataclass(frozen=True, slots=True)
class Question:
    """What is known when the suggestion is asked for."""

    distributions: dict[str, BaseDistribution]
    trials: tuple[tuple[Mapping[str, Any], float | None], ...]
    """(parameters, value to minimise, or None while it runs)."""
    seed: int


def answer(question: Question) -> dict[str, Any]:
    """Parameters where the improvement on the best value is expected to be largest."""
    sampler = GPSampler(seed=question.seed, n_startup_trials=1, warn_independent_sampling=False)
    study = quiet_study(sampler, "min")
    study.add_trials(
        create_trial(
            state=TrialState.RUNNING if value is None else TrialState.COMPLETE,
            value=value,
            params=dict(params),
            distributions=question.distributions,
        )
        for params, value in question.trials
    )
    return dict(study.ask(question.distributions).params)
