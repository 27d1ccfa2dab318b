"""Exact resume: a sweep killed at a random line of its journal and resumed decides as one that was never killed."""

from __future__ import annotations

import contextlib
import pickle
import random
from dataclasses import replace
from typing import Any

from control_kit import SPACE as PLANE
from control_kit import DriverKilled, Sweep

from tests.contract.searcher import SPACE
from tests.contract.uninterrupted import Decision, decided_without_a_kill
from tuner.control.rules import Rules
from tuner.search.gp_proposal import Question, answer
from tuner.search.make import make_scheduler, make_searcher

KILLS = 20
RULES = Rules(metric="val_loss", mode="min", max_epochs=9, trials=24, seed=3)


def sweep_of(searcher: str, scheduler: str) -> Sweep:
    """Over the conditional space; the grid over two numbers: its first points differ in the last parameters alone."""
    space = PLANE if searcher == "grid" else SPACE
    return Sweep(replace(RULES, space=space), algorithm=searcher, scheduler=scheduler, space=space)


def whole(searcher: str, scheduler: str, slots: int = 1) -> Sweep:
    sweep = sweep_of(searcher, scheduler)
    sweep.run(slots=slots)
    return sweep


def killed(searcher: str, scheduler: str, at: int, slots: int = 1) -> Sweep:
    """Killed when the journal has `at` lines, then resumed and run to its end."""
    sweep = sweep_of(searcher, scheduler)
    sweep.crash_after = at
    with contextlib.suppress(DriverKilled):
        sweep.run(slots=slots)
    assert len(sweep.lines) == at
    sweep.resume()
    sweep.run(slots=slots)
    return sweep


def kill_points(lines: int, seed: int = 0) -> list[int]:
    return random.Random(seed).sample(range(2, lines), KILLS)


def expected(sweep: Sweep) -> list[Decision]:
    """What a controller that is never killed decides on the journal's reports in their order."""
    searcher = make_searcher(sweep.algorithm, {}, sweep.space, mode=RULES.mode, seed=RULES.seed)
    options = {"grace": 1, "eta": sweep.eta} if sweep.scheduler in ("asha", "asha_promotion", "hyperband") else {}
    scheduler = make_scheduler(sweep.scheduler, options, max_epochs=RULES.max_epochs)
    return decided_without_a_kill(sweep.lines, sweep.rules, searcher, scheduler)


class Remembering:
    """Stands for the process that thinks about suggestions: a question put again after a kill has the same answer,
    which is not computed twice. That the real one gives the same answers is a test of its own."""

    known: dict[bytes, dict[str, Any]] = {}  # noqa: RUF012  shared on purpose

    def __init__(self) -> None:
        self._question: Question | None = None

    def start(self) -> None:
        """There is no process."""

    def ask(self, question: Question) -> None:
        self._question = question

    def ready(self) -> bool:
        return True

    def answer(self) -> dict[str, Any]:
        assert self._question is not None
        return remembered(self._question)

    def close(self) -> None:
        """There is no process."""


def remembered(question: Question) -> dict[str, Any]:
    key = pickle.dumps(question)
    if key not in Remembering.known:
        Remembering.known[key] = answer(question)
    return dict(Remembering.known[key])
