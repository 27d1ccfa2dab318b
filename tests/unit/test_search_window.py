"""The window on a long history: what it holds, that it forgets for good, and that a short history is all in it."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from tests.contract.searcher import SPACE, exact, parameter, run
from tuner.search.study import StudySearcher
from tuner.search.tpe import tpe
from tuner.search.window import Limits, Window
from tuner.space import Float, Space

LINE = Space((parameter("x", Float(0.0, 1.0, False)),))
SMALL = Limits(best=3, recent=4, spread=4)


@given(values=st.lists(st.integers(0, 30), max_size=120))
def test_it_holds_the_best_the_latest_and_a_row_of_all_and_forgets_for_good(values: list[int]) -> None:
    window, forgotten = Window(SMALL), set()
    for trial, value in enumerate(values):
        gone = window.end(trial, (float(value),))
        assert not forgotten & set(gone)
        forgotten |= set(gone)
        so_far = list(range(trial + 1))
        best = sorted(so_far, key=lambda one: (values[one], one))[:3]
        held = [one for one in so_far if one in window]
        assert set(best) | set(so_far[-4:]) | {0} <= set(held)
        assert forgotten == set(so_far) - set(held)
        assert len(held) == len(window) <= 11
        if trial < 4:
            assert held == so_far


def test_the_row_reaches_back_evenly_however_long_the_history() -> None:
    window = Window(Limits(best=1, recent=1, spread=100))
    for trial in range(10_000):
        window.end(trial, (0.0,))
    row = [trial for trial in range(9_999) if trial in window]
    assert 50 <= len(row) <= 100
    assert {later - earlier for earlier, later in itertools.pairwise(row)} == {128}


def test_within_its_limits_a_searcher_suggests_as_with_all_of_its_history() -> None:
    everything = 1 << 30
    suggested = [
        [
            exact(what)
            for kind, _, what in run(tpe(SPACE, mode="min", seed=4, limits=limits), 60)
            if kind == "suggestion"
        ]
        for limits in (Limits(60, 60, 60), Limits(everything, everything, everything))
    ]
    assert suggested[0] == suggested[1]


def long_search(limits: Limits, mode: str = "min", trials: int = 80) -> StudySearcher:
    """Given configurations; every third is pruned after an epoch, every seventh raised."""
    draw = random.Random(0)
    searcher = tpe(LINE, mode=mode, seed=0, limits=limits)
    for number in range(trials):
        x = draw.random()
        searcher.begin(number, {"x": x})
        searcher.on_trial_result(number, 1, x)
        ending = "failed" if number % 7 == 0 else "pruned" if number % 3 == 0 else "completed"
        searcher.on_trial_end(number, ending, x)
    return searcher


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_sampler_sees_a_bounded_part_with_the_best_in_optunas_order(mode: str) -> None:
    seen = long_search(SMALL, mode)._study.trials
    everything = long_search(Limits(999, 999, 999), mode)._study.trials
    assert len(everything) == 80 - 12
    assert len(seen) <= 11
    complete = [trial.value for trial in everything if trial.state == TrialState.COMPLETE]
    best = sorted(complete, reverse=mode == "max")[:3]
    assert set(best) <= {trial.value for trial in seen}
    numbers = [trial.number for trial in seen]
    assert numbers == sorted(numbers)


def test_what_is_let_go_is_dropped_with_all_that_was_known_of_it() -> None:
    searcher = long_search(SMALL)
    storage = searcher._study._storage
    kept = {trial._trial_id for trial in searcher._study.trials}
    held = [storage.get_trial(trial_id) for trial_id in range(80) if trial_id not in kept]
    assert held
    assert len({id(trial) for trial in held}) == 1
    assert held[0].params == {}


def test_trials_that_wait_at_a_rung_do_not_make_a_suggestion_dearer() -> None:
    searcher = tpe(LINE, mode="min", seed=0)
    for number in range(600):
        searcher.begin(number, {"x": 0.5})
    assert len(searcher._study.trials) == 256
    searcher.on_trial_end(0, "completed", 0.5)  # not among those seen, and yet known
    assert [trial.number for trial in searcher._study.trials if trial.state == TrialState.COMPLETE] == [0]
