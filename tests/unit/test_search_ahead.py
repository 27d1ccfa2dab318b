"""A searcher that thinks ahead: when it begins, what it has seen, and that a resume begins again at the same line."""

from __future__ import annotations

import pytest
from control_kit import SPACE, DriverKilled, Sweep, report

from tuner.control.controller import Controller
from tuner.control.rules import Rules
from tuner.records.values import Config, Scalar
from tuner.search import gp_helper
from tuner.search.gp import GpSearcher
from tuner.search.gp_helper import Helper
from tuner.search.interface import ForesightedSearcher

RULES = Rules(metric="val_loss", mode="min", max_epochs=3, trials=5, doomed=False)


class Thinker:
    """What it suggests says how many ends it knew of when it began to think."""

    name = "thinker"

    def __init__(self) -> None:
        self.ended = 0
        self.thoughts: dict[int, int] = {}
        self.is_ready = True

    def prepare(self, number: int) -> None:
        self.thoughts[number] = self.ended

    def ready(self, number: int) -> bool:
        return self.is_ready or number not in self.thoughts

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        return {"lr": 0.01, "dropout": 0.01 * self.thoughts.get(number, self.ended)}

    def begin(self, number: int, config: Config) -> None: ...

    def on_trial_result(self, number: int, epoch: int, value: float) -> None: ...

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        self.ended += 1


class Thought(Sweep):
    """A sweep with that searcher."""

    def _controller(self) -> Controller:
        made = super()._controller()
        return Controller(made.rules, Thinker(), made.scheduler, self._write, self.clock)


def suggestions(sweep: Sweep) -> list[tuple[object, object]]:
    return [(line.get("seen"), line["config"]["dropout"]) for line in sweep.lines if line["kind"] == "suggestion"]


def test_a_suggestion_is_begun_when_the_one_before_is_written_and_its_line_says_what_it_saw() -> None:
    sweep = Thought(RULES, scheduler="none")
    assert isinstance(sweep.controller.searcher, ForesightedSearcher)
    sweep.run()
    assert suggestions(sweep) == [(None, 0.0), (0, 0.0), (1, 0.01), (2, 0.02), (3, 0.03)]


def test_killed_at_any_line_it_has_seen_the_same() -> None:
    whole = Thought(RULES, scheduler="none")
    whole.run()
    for at in range(2, len(whole.lines)):
        sweep = Thought(RULES, scheduler="none")
        sweep.crash_after = at
        with pytest.raises(DriverKilled):
            sweep.run()
        sweep.resume()
        sweep.run()
        assert suggestions(sweep) == suggestions(whole), f"killed after line {at}"


def test_while_it_thinks_a_driver_that_does_not_wait_gets_nothing_and_reports_are_answered() -> None:
    sweep = Thought(RULES, scheduler="none")
    controller, searcher = sweep.controller, sweep.controller.searcher
    assert isinstance(searcher, Thinker)
    first = controller.next_assignment(wait=False)
    assert first is not None
    searcher.is_ready = False
    assert controller.next_assignment(wait=False) is None
    assert not controller.done
    controller.started(first.trial, first.attempt)
    assert controller.on_report(report(first, 1, 0.5))
    searcher.is_ready = True
    assert controller.next_assignment(wait=False) is not None


def told(searcher: GpSearcher, trials: int = 8) -> GpSearcher:
    for number in range(trials):
        searcher.begin(number, {"lr": 10.0 ** -(1 + number % 5), "dropout": 0.05 * number})
        searcher.on_trial_end(number, "completed", 0.1 * number)
    return searcher


@pytest.mark.slow
def test_the_helpers_answer_is_the_one_that_is_found_here_and_one_that_was_killed_costs_no_more_than_time() -> None:
    here, there, bereft = (told(GpSearcher(SPACE, mode="min", seed=1, startup=4)) for _ in range(3))
    there.prepare(8)
    bereft.prepare(8)
    assert bereft._helper._process is not None
    bereft._helper._process.kill()
    expected = here.suggest(8)
    assert there.suggest(8) == expected
    assert bereft.suggest(8) == expected


def test_what_is_told_after_it_began_is_not_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Helper, "ask", lambda self, question: asked.append(question))
    searcher = told(GpSearcher(SPACE, mode="min", seed=1, startup=4))
    searcher.prepare(8)
    searcher.begin(9, {"lr": 0.5, "dropout": 0.5})
    assert [len(question.trials) for question in asked] == [8]


def test_a_helper_that_cannot_start_leaves_the_thinking_to_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gp_helper, "answer", lambda question: {"lr": 0.25, "dropout": 0.125})
    monkeypatch.setattr(gp_helper.sys, "executable", "/bin/false")
    searcher = told(GpSearcher(SPACE, mode="min", seed=1, startup=4))
    searcher.prepare(8)
    assert searcher.suggest(8) == {"lr": 0.25, "dropout": 0.125}


def test_few_trials_start_the_helper_only(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(Helper, "start", lambda self: started.append(self))
    searcher = told(GpSearcher(SPACE, mode="min", seed=1), trials=3)
    searcher.prepare(3)
    assert len(started) == 1
    assert searcher.ready(3)
    assert searcher.suggest(3) is not None
