"""Ours under the replay's clock: the controller as it is, with each searcher and scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from replay_clock import Sweep, Work
from replay_tables import Draws, Task

from tuner.control import endings
from tuner.control.controller import Controller
from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Report
from tuner.records.finding import Diagnosis
from tuner.records.values import Config, Scalar
from tuner.search.interface import Searcher
from tuner.search.make import make_scheduler, make_searcher
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS
from tuner.sweep.sections import SearchSection

Make = Callable[[Task, int], Sweep]
"""A fresh sweep over a task with a seed."""


class OnRows:
    """A searcher over what the task can train.

    Where that is another configuration than the suggested one, the searcher is told so by `begin`, as the controller
    tells it of one that a user has given.
    """

    def __init__(self, inside: Searcher, draws: Draws) -> None:
        self._inside, self._draws, self.name = inside, draws, inside.name
        self.keys: dict[int, Any] = {}
        self.on_trial_result, self.on_trial_end = inside.on_trial_result, inside.on_trial_end

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        config = self._inside.suggest(number, again)
        taken = None if config is None else self._draws.take(config)
        if taken is None:
            return None
        self.keys[number], trained = taken
        if trained != config:
            self._inside.begin(number, trained)
        return trained

    def begin(self, number: int, config: Config) -> None:
        raise AssertionError(f"the replay gives no configuration of its own, and got {config} for trial {number}")


class TunerSweep:
    """The real controller; its journal goes nowhere, its clock is the simulated one."""

    def __init__(
        self, task: Task, seed: int, algorithm: dict[str, Any], scheduler: dict[str, Any], *, doomed: bool
    ) -> None:
        (searcher_name, searcher_options), (scheduler_name, scheduler_options) = (
            *algorithm.items(),
            *scheduler.items(),
        )
        searcher = make_searcher(searcher_name, searcher_options, task.space, mode="min", seed=seed)
        self._searcher = OnRows(searcher, task.draws())
        self._now = 0.0
        self._facts = Facts(initial_loss=task.initial)
        rules = Rules("val_loss", "min", max_epochs=task.epochs, trials=None, seed=seed, doomed=doomed)
        self.controller = Controller(
            rules,
            self._searcher,
            make_scheduler(scheduler_name, scheduler_options, max_epochs=task.epochs),
            write=lambda _lines: None,
            clock=lambda: self._now,
        )

    def next_work(self, now: float) -> Work | None:
        self._now = now
        assignment = self.controller.next_assignment()
        if assignment is None:
            return None
        self.controller.started(assignment.trial, assignment.attempt)
        return Work(assignment, self._searcher.keys[int(assignment.trial)], assignment.after_epoch)

    def on_epoch(self, work: Work, metrics: dict[str, float], now: float) -> bool:
        self._now = now
        assignment: Assignment = work.trial
        epoch = EpochMetrics(work.epoch, metrics, seconds=1.0)
        facts = self._facts if work.epoch == assignment.after_epoch + 1 else None
        return self.controller.on_report(Report(assignment.trial, assignment.attempt, epoch, facts=facts))


@contextmanager
def undiagnosed() -> Iterator[None]:
    """Leaves out the diagnosis of trials that have ended: it goes into the journal, which goes nowhere here.

    Nothing is decided by it (a test compares), and it would take three quarters of the replay's time. The stopper of
    doomed trials, which does decide, stays.
    """
    with mock.patch.object(endings, "diagnose", lambda histories: [Diagnosis(h.id, "unknown") for h in histories]):
        yield


def tuner_method(algorithm: Any, scheduler: Any, *, doomed: bool = True) -> Make:
    """A method by what a sweep file says: a name, or a name with its options."""
    searcher, pruner = _with_options(algorithm, ALGORITHMS), _with_options(scheduler, SCHEDULERS)
    return lambda task, seed: TunerSweep(task, seed, searcher, pruner, doomed=doomed)


def default_method() -> Make:
    """What an empty `search:` gives."""
    shipped = SearchSection()
    return tuner_method(shipped.algorithm, shipped.scheduler, doomed=shipped.doomed)


def _with_options(given: Any, known: Any) -> dict[str, Any]:
    name, options = next(iter(given.items())) if isinstance(given, dict) else (given, {})
    return {name: known[name].defaults() | (options or {})}


OURS: dict[str, Callable[[], Make]] = {
    "random": lambda: tuner_method("random", "none", doomed=False),
    "default": default_method,
    "tuner-random-asha": lambda: tuner_method("random", "asha"),
    "tuner-halton-asha": lambda: tuner_method("halton", "asha"),
    "tuner-random-asha_promotion": lambda: tuner_method("random", "asha_promotion"),
    "tuner-rung_tpe-asha": lambda: tuner_method("rung_tpe", "asha"),
    "tuner-rung_tpe-asha_promotion": lambda: tuner_method("rung_tpe", "asha_promotion"),
    "tuner-rung_tpe-hyperband": lambda: tuner_method("rung_tpe", "hyperband"),
    "tuner-tpe-asha": lambda: tuner_method("tpe", "asha"),
    "tuner-tpe-asha_promotion": lambda: tuner_method("tpe", "asha_promotion"),
    "tuner-tpe-hyperband": lambda: tuner_method("tpe", "hyperband"),
    "tuner-tpe-median": lambda: tuner_method("tpe", "median"),
    "tuner-tpe-none": lambda: tuner_method("tpe", "none", doomed=False),
    "tuner-gp-asha": lambda: tuner_method("gp", "asha"),
}
