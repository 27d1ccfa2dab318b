"""ASHA against a slow, obvious twin, and what must hold for every order of reports."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.search.asha import Asha, ordinal, rung_epochs

VALUES = st.one_of(st.floats(allow_nan=True), st.sampled_from([0.1, 0.2, 0.3]))
LISTS = st.lists(VALUES, min_size=1, max_size=30)


def slow_twin(values: list[float], eta: int) -> list[bool]:
    """One rung: sort everything again for each arrival; the new one stands before its equals."""
    answers, seen = [], []
    for value in values:
        value = math.inf if math.isnan(value) else value
        ahead = [other for other in seen if other < value]
        seen.append(value)
        best = len(seen) // eta
        answers.append(len(seen) < eta or (len(ahead) < best and value != math.inf))
    return answers


def answers(values: list[float], eta: int = 3) -> list[bool]:
    scheduler = Asha(max_epochs=2, grace=1, eta=eta)
    found = []
    for number, value in enumerate(values):
        decision = scheduler.on_trial_result(f"{number:04d}", 1, value)
        assert decision is not None
        found.append(decision.promoted)
    return found


@given(LISTS, st.integers(2, 5))
def test_it_agrees_with_its_slow_twin(values: list[float], eta: int) -> None:
    assert answers(values, eta) == slow_twin(values, eta)


@given(LISTS, st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_a_better_value_is_never_pruned_where_a_worse_one_goes_on(values: list[float], a: float, b: float) -> None:
    better, worse = min(a, b), max(a, b)
    assert answers([*values, better])[-1] >= answers([*values, worse])[-1]


@given(LISTS, st.randoms(use_true_random=False), VALUES)
def test_the_order_in_which_the_others_came_does_not_matter(values: list[float], random: object, new: float) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert answers([*values, new])[-1] == answers([*shuffled, new])[-1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from([0.5, 2.0, 1024.0]))
def test_the_unit_of_the_metric_does_not_matter(values: list[float], factor: float) -> None:
    assert answers(values) == answers([value * factor for value in values])


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40), LISTS)
def test_a_lost_trial_counts_as_if_it_had_gone_on_and_reported_infinity(
    steps: list[tuple[int, bool]], values: list[float]
) -> None:
    """The others are judged alike, whether the end came early or at the rungs."""
    lost, went_on = Asha(max_epochs=27), Asha(max_epochs=27)
    at = dict.fromkeys(range(10), 0)
    gone: set[int] = set()
    for step, (number, doomed) in enumerate(steps):
        trial = f"{number:04d}"
        if number in gone or at[number] >= len(lost.rungs):
            continue
        if doomed:
            gone.add(number)
            lost.on_trial_lost_for_good(trial, worst=True)
            for epoch in lost.rungs[at[number] :]:
                decision = went_on.on_trial_result(trial, epoch, math.inf)
                if decision is not None and not decision.promoted:
                    break
            continue
        epoch, value = lost.rungs[at[number]], values[step % len(values)]
        at[number] += 1
        decision = lost.on_trial_result(trial, epoch, value)
        assert decision == went_on.on_trial_result(trial, epoch, value)
        assert decision is not None
        if not decision.promoted:
            gone.add(number)


def test_fewer_than_eta_all_go_on_and_then_one_in_eta() -> None:
    scheduler = Asha(max_epochs=27)
    told = [scheduler.on_trial_result(f"{i:04d}", 3, v) for i, v in enumerate([0.5, 0.9, 0.4, 0.4, 0.45, 0.3])]
    assert all(told)
    assert [decision.promoted for decision in told if decision] == [True, True, True, True, False, True]
    assert [decision.reason for decision in told if decision] == [
        "1st of 1 at epoch 3; all go on until there are 3",
        "2nd of 2 at epoch 3; all go on until there are 3",
        "1st of 3 at epoch 3; the best goes on",
        "1st of 4 at epoch 3; the best goes on",
        "3rd of 5 at epoch 3; the best goes on",
        "1st of 6 at epoch 3; the best 2 go on",
    ]


def test_a_raised_trial_is_absent_at_later_rungs_and_a_doomed_one_is_worst() -> None:
    raised, doomed = Asha(max_epochs=9), Asha(max_epochs=9)
    for scheduler, worst in ((raised, False), (doomed, True)):
        scheduler.on_trial_result("0000", 1, 0.5)
        scheduler.on_trial_lost_for_good("0000", worst=worst)
        scheduler.on_trial_result("0001", 3, 0.1)
    second = [scheduler.on_trial_result("0002", 3, 0.2) for scheduler in (raised, doomed)]
    assert [decision.promoted for decision in second if decision] == [True, False]


def test_doomed_trials_do_not_fill_rungs_that_they_would_never_have_reached() -> None:
    """Counted at every later rung at once, thirty doomed trials would let every other trial through the upper rungs."""
    scheduler = Asha(max_epochs=27)
    for number in range(30):
        scheduler.on_trial_lost_for_good(f"{number:04d}", worst=True)
    top = [scheduler.on_trial_result(f"{30 + i:04d}", 9, 0.1 + 0.01 * i) for i in range(6)]
    assert [decision.promoted for decision in top if decision].count(True) == 1


def test_a_trial_that_reports_every_fourth_epoch_is_judged_past_the_rung() -> None:
    scheduler = Asha(max_epochs=27)
    first = scheduler.on_trial_result("0000", 4, 0.5)
    assert first is not None
    assert first.epoch == 3
    assert scheduler.on_trial_result("0000", 4, 0.5) == first
    assert scheduler.on_trial_result("0000", 8, 0.4) is None
    assert scheduler.on_trial_result("0000", 12, 0.4) is not None


def test_a_report_that_comes_late_again_gets_no_second_judgement() -> None:
    """A worker that was lost and restored sends old epochs again."""
    scheduler = Asha(max_epochs=27)
    scheduler.on_trial_result("0000", 4, 0.5)
    assert scheduler.on_trial_result("0000", 3, 0.1) is None


@pytest.mark.parametrize(
    ("max_epochs", "grace", "eta", "epochs"),
    [(27, 1, 3, (1, 3, 9)), (28, 1, 3, (1, 3, 9, 27)), (1, 1, 3, ()), (5, 5, 2, ()), (10, 2, 2, (2, 4, 8))],
)
def test_the_rungs_lie_below_the_last_epoch(max_epochs: int, grace: int, eta: int, epochs: tuple[int, ...]) -> None:
    assert rung_epochs(max_epochs, grace, eta) == epochs


@pytest.mark.parametrize(("grace", "eta"), [(0, 3), (1, 1)])
def test_senseless_rungs_are_refused(grace: int, eta: int) -> None:
    with pytest.raises(ValueError, match="rungs need"):
        Asha(max_epochs=9, grace=grace, eta=eta)


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 112)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "112th"]
    )
