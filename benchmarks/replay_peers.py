"""The peers under the same clock: Optuna's samplers with its pruners, and the schedulers that Syne Tune holds.

Each is used as its own users use it, and told as favourably as it can be. Of a run that broke off, Optuna is told a
NaN report and PRUNED (a trial told as FAIL teaches its TPE nothing); Syne Tune, whose models cannot hold a NaN, the
worst finite loss that the sweep has seen. A pruned trial's value is Optuna's own choice, its last report; a complete
one's is the best epoch's. On a table each is told the row that was trained, as ours is.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from replay_clock import Sweep, Work
from replay_methods import Make
from replay_tables import Task

from tuner.records.values import Config
from tuner.space import Float, Int, Space

# --- Optuna ------------------------------------------------------------------------------------------------------


class OptunaSweep:
    """Ask, report each epoch, `should_prune`, tell: a user's loop, with the clock between."""

    def __init__(self, task: Task, sampler: Any, pruner: Any) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._distributions = _optuna_space(task.space)
        self._draws, self._epochs = task.draws(), task.epochs
        self._taken: Any = None
        self._study = optuna.create_study(sampler=_on_rows(sampler, self), pruner=pruner)
        self._pruned = optuna.trial.TrialState.PRUNED
        self._best: dict[int, float] = {}

    def take(self, config: Config) -> dict[str, Any]:
        """What is trained in place of a suggestion; what it was last, `next_work` reads."""
        self._taken = self._draws.take(config)
        return dict(config) if self._taken is None else self._taken[1]

    def next_work(self, now: float) -> Work | None:  # noqa: ARG002
        trial = self._study.ask(self._distributions)
        if self._taken is None:
            return None
        return Work(trial, self._taken[0])

    def on_epoch(self, work: Work, metrics: dict[str, float], now: float) -> bool:  # noqa: ARG002
        trial, loss = work.trial, metrics["val_loss"]
        trial.report(loss, work.epoch)
        best = self._best[trial.number] = min(self._best.get(trial.number, math.inf), loss)
        if math.isnan(loss):
            self._study.tell(trial, state=self._pruned)
        elif work.epoch == self._epochs:
            self._study.tell(trial, best)
        elif trial.should_prune():
            self._study.tell(trial, state=self._pruned)
        else:
            return True
        return False


def _on_rows(sampler: Any, sweep: OptunaSweep) -> Any:
    """The sampler, its suggestions put onto what the task can train. It is asked just what it would be asked."""
    from optuna.samplers import BaseSampler

    class OnRows(BaseSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:  # noqa: ARG002
            return sweep._distributions

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            found = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
            for name, distribution in search_space.items():
                if name not in found:
                    found[name] = sampler.sample_independent(study, trial, name, distribution)
            return sweep.take(found)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:  # noqa: ARG002
            raise AssertionError(f"{param_name} was not drawn with the others")

        def before_trial(self, study: Any, trial: Any) -> None:
            sampler.before_trial(study, trial)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            sampler.after_trial(study, trial, state, values)

    return OnRows()


def _optuna_space(space: Space) -> dict[str, Any]:
    from optuna.distributions import FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for item in space.parameters:
        domain = item.domain
        assert isinstance(domain, Float | Int)
        kind = IntDistribution if isinstance(domain, Int) else FloatDistribution
        found[item.name] = kind(domain.low, domain.high, log=domain.log)
    return found


def _optuna(pruner: str, **options: Any) -> Make:
    """Optuna's default TPE with the pruner of that name, both with their own defaults."""

    def make(task: Task, seed: int) -> Sweep:
        import optuna

        options_now = {"max_resource": task.epochs} if pruner == "HyperbandPruner" else {}
        pruned = getattr(optuna.pruners, pruner)(**options_now)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return OptunaSweep(task, optuna.samplers.TPESampler(seed=seed, **options), pruned)

    return make


# --- Syne Tune ---------------------------------------------------------------------------------------------------


class SyneSweep:
    """`suggest`, `on_trial_add`, `on_trial_result`, `on_trial_complete`: what Syne Tune's own tuner calls."""

    def __init__(self, task: Task, scheduler: Any) -> None:
        self._scheduler, self._draws, self._epochs = scheduler, task.draws(), task.epochs
        self._count = 0
        self._worst = 0.0 if task.initial is None or not math.isfinite(task.initial) else task.initial

    def next_work(self, now: float) -> Work | None:  # noqa: ARG002
        from syne_tune.backend.trial_status import Trial

        suggestion = self._scheduler.suggest()
        taken = None if suggestion is None else self._draws.take(suggestion.config)
        if taken is None:
            return None
        key, config = taken
        trial = Trial(self._count, config, creation_time=None)
        self._count += 1
        self._scheduler.on_trial_add(trial)
        return Work(trial, key)

    def on_epoch(self, work: Work, metrics: dict[str, float], now: float) -> bool:  # noqa: ARG002
        loss = metrics["val_loss"]
        over = math.isnan(loss)
        self._worst = self._worst if over else max(self._worst, loss)
        result = {"val_loss": self._worst if over else loss, "epoch": work.epoch}
        if over or work.epoch == self._epochs:
            self._scheduler.on_trial_complete(work.trial, result)
            return False
        if self._scheduler.on_trial_result(work.trial, result) == "STOP":
            self._scheduler.on_trial_remove(work.trial)
            return False
        return True


def _syne_space(space: Space) -> dict[str, Any]:
    from syne_tune import config_space

    found: dict[str, Any] = {}
    for item in space.parameters:
        domain = item.domain
        assert isinstance(domain, Float | Int)
        kind = {
            (Float, True): config_space.loguniform,
            (Float, False): config_space.uniform,
            (Int, True): config_space.lograndint,
            (Int, False): config_space.randint,
        }[type(domain), domain.log]
        found[item.name] = kind(domain.low, domain.high)
    return found


def _syne(name: str) -> Make:
    """A scheduler of Syne Tune's by its class's name in `baselines`, with its own defaults."""

    def make(task: Task, seed: int) -> Sweep:
        from syne_tune.optimizer import baselines

        np.random.seed(seed)
        space = _syne_space(task.space)
        asha = {"ASHA", "BOHB", "ASHABORE", "ASHACQR"}
        options = {"time_attr": "epoch", "max_t": task.epochs} if name in asha else {}
        return SyneSweep(task, getattr(baselines, name)(space, metric="val_loss", random_seed=seed, **options))

    return make


# --- who is there ------------------------------------------------------------------------------------------------

PEERS: dict[str, Callable[[], Make]] = {
    "optuna-tpe": lambda: _optuna("NopPruner"),
    "optuna-tpe-median": lambda: _optuna("MedianPruner"),
    "optuna-tpe-halving": lambda: _optuna("SuccessiveHalvingPruner"),
    "optuna-tpe-hyperband": lambda: _optuna("HyperbandPruner"),
    "optuna-tpe_multivariate-halving": lambda: _optuna("SuccessiveHalvingPruner", multivariate=True),
    "optuna-tpe_multivariate-hyperband": lambda: _optuna("HyperbandPruner", multivariate=True),
    "syne-asha": lambda: _syne("ASHA"),
    "syne-bohb": lambda: _syne("BOHB"),
    "syne-asha-bore": lambda: _syne("ASHABORE"),
    "syne-asha-cqr": lambda: _syne("ASHACQR"),
    "syne-bore": lambda: _syne("BORE"),
    "syne-cqr": lambda: _syne("CQR"),
    "syne-tpe": lambda: _syne("TPE"),
    "syne-rea": lambda: _syne("REA"),
    "syne-botorch": lambda: _syne("BOTorch"),
}


def absent(name: str) -> str | None:
    """Why a peer cannot be run here; None when it can."""
    if name.startswith("optuna-"):
        return None  # ours stands on it
    if importlib.util.find_spec("syne_tune") is None:
        return "syne-tune is not installed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from syne_tune.optimizer import baselines
        except ImportError as error:
            return f"syne-tune cannot be imported: {error}"
    classes = {"syne-asha": "ASHA", "syne-bohb": "BOHB", "syne-asha-bore": "ASHABORE", "syne-asha-cqr": "ASHACQR"}
    needed = {"syne-asha-bore": "xgboost", "syne-bore": "xgboost", "syne-botorch": "botorch"}
    if name in classes and not hasattr(baselines, classes[name]):
        return f"this version of syne-tune has no {classes[name]}"
    if name in needed and importlib.util.find_spec(needed[name]) is None:
        return f"{needed[name]} is not installed"
    return None
