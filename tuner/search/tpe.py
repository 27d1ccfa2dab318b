"""TPE, Optuna's: multivariate, in the groups of the conditional space, with a constant liar for what still runs."""

from __future__ import annotations

from optuna.samplers import TPESampler

from tuner.search.study import StudySearcher
from tuner.search.window import Limits
from tuner.space import Space

LIMITS = Limits(best=150, recent=150, spread=100)
"""Few of the best and more of the latest lost more: docs/log.md has the numbers."""


def tpe(space: Space, *, mode: str, seed: int, startup: int = 10, limits: Limits = LIMITS) -> StudySearcher:
    """`startup`: finished trials before which it draws at random."""

    def make_sampler(seed: int) -> TPESampler:
        return TPESampler(multivariate=True, constant_liar=True, n_startup_trials=startup, seed=seed)

    return StudySearcher("tpe", space, make_sampler, mode=mode, seed=seed, limits=limits)
