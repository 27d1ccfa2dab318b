"""Median stopping against a slow twin, HyperBand's shares, and ASHA with promotion."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.search.hyperband import Hyperband
from tuner.search.median import MedianStopping
from tuner.search.promotion import PromotionAsha

VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.sampled_from([0.1, 0.2, 0.3]))


def slow_median_twin(reports: list[tuple[int, float]], startup: int) -> list[bool]:
    """Whether each report prunes: all curves are kept and everything is computed again each time."""
    curves: dict[int, list[float]] = {}
    answers = []
    for trial, value in reports:
        curve = curves.setdefault(trial, [])
        curve.append(math.inf if math.isnan(value) else value)
        epoch = len(curve)
        means = sorted(
            sum(other[:epoch]) / epoch for name, other in curves.items() if name != trial and len(other) >= epoch
        )
        best = min(curve)
        answers.append(len(means) >= startup and (best == math.inf or best > means[len(means) // 2]))
    return answers


@given(st.lists(st.tuples(st.integers(0, 6), VALUES), max_size=60), st.integers(1, 4))
def test_median_stopping_agrees_with_its_slow_twin(reports: list[tuple[int, float]], startup: int) -> None:
    scheduler = MedianStopping(max_epochs=1000, grace=1, startup=startup)
    epochs: Counter[int] = Counter()
    answers = []
    for trial, value in reports:
        epochs[trial] += 1
        decision = scheduler.on_trial_result(f"{trial:04d}", epochs[trial], value)
        assert decision is None or not decision.promoted
        answers.append(decision is not None)
    assert answers == slow_median_twin(reports, startup)


def test_median_stopping_spares_the_grace_and_counts_doomed_trials_as_worst() -> None:
    scheduler = MedianStopping(max_epochs=9, grace=2, startup=3)
    for number in range(3):
        for epoch in (1, 2):
            assert scheduler.on_trial_result(f"{number:04d}", epoch, 0.5) is None
    assert scheduler.on_trial_result("0003", 1, 0.9) is None
    pruned = scheduler.on_trial_result("0003", 2, 0.9)
    assert pruned is not None
    assert pruned.reason == "its best up to epoch 2, 0.9, is worse than the median 0.5 of 3"
    for number in range(4, 9):
        scheduler.on_trial_lost_for_good(f"{number:04d}", worst=True)
        scheduler.on_trial_lost_for_good(f"{number:04d}", worst=True)
    assert scheduler.on_trial_result("0009", 1, 0.9) is None
    assert scheduler.on_trial_result("0009", 2, 0.9) is None


def test_median_stopping_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="median stopping needs"):
        MedianStopping(max_epochs=9, startup=0)


def test_hyperbands_brackets_get_their_shares_whoever_comes_when() -> None:
    """For 27 epochs and eta 3 HyperBand has 27, 12, 6 and 4 trials in its brackets."""
    scheduler = Hyperband(max_epochs=27)
    brackets = []
    for number in range(98):
        trial = f"{number:04d}"
        decisions = [scheduler.on_trial_result(trial, epoch, 0.5) for epoch in range(1, 28)]
        first = next((decision for decision in decisions if decision is not None), None)
        brackets.append(27 if first is None else first.epoch)
    assert Counter(brackets) == {1: 54, 3: 24, 9: 12, 27: 8}
    assert set(brackets[:7]) == {1, 3, 9, 27}


def test_hyperbands_reason_names_the_bracket() -> None:
    decision = Hyperband(max_epochs=27).on_trial_result("0000", 1, 0.5)
    assert decision is not None
    assert decision.reason == "bracket 0: 1st of 1 at epoch 1; all go on until there are 3"


def promoted(scheduler: PromotionAsha) -> list[str]:
    """All that may go on now, each taken up."""
    found = []
    while (trial := scheduler.next_promoted()) is not None:
        scheduler.on_trial_promoted(trial)
        found.append(trial)
    return found


@given(st.lists(VALUES, max_size=40), st.integers(2, 4))
def test_promotion_lets_one_in_eta_go_on_and_never_takes_it_back(values: list[float], eta: int) -> None:
    """The twin: after each arrival, all among the best n // eta that ever were so have been promoted."""
    scheduler, expected, seen = PromotionAsha(max_epochs=2, eta=eta), set[int](), list[tuple[float, int]]()
    gone: set[str] = set()
    for number, value in enumerate(values):
        decision = scheduler.on_trial_result(f"{number:04d}", 1, value)
        assert decision is not None
        assert decision.paused
        assert not decision.promoted
        seen.append((math.inf if math.isnan(value) else value, number))
        expected |= {at for best, at in sorted(seen)[: len(seen) // eta] if best != math.inf}
        gone |= set(promoted(scheduler))
        assert gone == {f"{at:04d}" for at in expected}


def test_the_highest_rung_is_served_first() -> None:
    scheduler = PromotionAsha(max_epochs=27, eta=2)
    for trial, epoch, value in (("a", 3, 0.5), ("b", 3, 0.6), ("c", 1, 0.1), ("d", 1, 0.2)):
        scheduler.on_trial_result(trial, epoch, value)
    assert promoted(scheduler) == ["a", "c"]


def test_a_doomed_trial_is_worst_where_it_would_have_waited_and_promotes_nobody_itself() -> None:
    scheduler = PromotionAsha(max_epochs=27, eta=2)
    scheduler.on_trial_result("a", 1, 0.5)
    assert promoted(scheduler) == []
    scheduler.on_trial_lost_for_good("b", worst=True)
    assert promoted(scheduler) == ["a"]
    scheduler.on_trial_lost_for_good("c", worst=True)
    scheduler.on_trial_lost_for_good("d", worst=True)
    assert promoted(scheduler) == []
