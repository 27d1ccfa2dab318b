"""Verdicts on plain nights, word for word, and what must hold for all nights."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_kit import ANCHOR, RULES, TEN, changed, mirrored, night, quiet, said

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.judge import asks_for_more, judge
from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, OK, REGRESSED


def with_bests(best: float, config: str | None = None) -> list[Figures]:
    """Quiet nights whose bests lie close together."""
    return [replace(one, best=best + 0.01 * (i % 4), best_config=config) for i, one in enumerate(quiet(9))]


SENTENCES = {
    "first": (
        judge(night(), None, [], RULES),
        OK,
        "a first night: noise width 0.0026 from 10 seeds; nothing to compare with",
    ),
    "repeated": (
        said(night(values=TEN[:3])),
        OK,
        "the control's val_loss is bit for bit that of 2026-11-01, 3 seeds",
    ),
    "quiet": (
        said(night(shift=0.0011), quiet(8)),
        OK,
        "the control's val_loss is 0.2141, 0.0017 (0.8 %) above the reference 0.2124; noise width 0.0026, 10 seeds: "
        "within the noise",
    ),
    "worse": (
        said(night(shift=0.018), quiet(5)),
        REGRESSED,
        "the control's val_loss is 0.2310, 0.0185 (9 %) above the reference 0.2125; noise width 0.0026, 10 seeds",
    ),
    "better": (
        said(night(shift=-0.008), quiet(8)),
        IMPROVED,
        "the control's val_loss is 0.2050, 0.0074 (3 %) below the reference 0.2124; noise width 0.0026, 10 seeds",
    ),
    "small": (
        said(night(shift=0.004), quiet(8), minimum_effect=0.02),
        OK,
        "the control's val_loss is 0.2170, 0.0046 (2 %) above the reference 0.2124; noise width 0.0026, 10 seeds: it "
        "stands out from the noise, and is less than the 0.0200 that matter",
    ),
    "unconfirmed": (
        said(night(values=TEN[:3], shift=0.008), quiet(5)),
        NOISY,
        "the control's val_loss is 0.2200, 0.0075 (4 %) above the reference 0.2125; noise width 0.0026, 3 seeds: too "
        "few to be sure, the further seeds were not trained",
    ),
    "diverged": (
        said(night(values=[*TEN[:4], *[math.inf] * 6]), quiet(5)),
        REGRESSED,
        "6 of 10 controls diverged, in the reference 0 of 25; noise width 0.0026, 10 seeds",
    ),
    "wide": (
        said(night(values=[value + (i - 4.5) * 0.004 for i, value in enumerate(TEN)]), quiet(5)),
        NOISY,
        "the control's seeds lie far apart (0.0154 wide, usually 0.0026): the control's val_loss is 0.2115, 0.0010 "
        "(0.5 %) below the reference 0.2125; noise width 0.0026, 10 seeds",
    ),
    "controls failed": (
        said(night(values=TEN[:1], controls_failed=2)),
        INCOMPLETE,
        "2 of 3 controls failed: nothing can be said of the model",
    ),
    "search failed": (
        said(night(values=TEN[:3], trials=30, failed=15), quiet(9, trials=30, failed=1)),
        INCOMPLETE,
        "15 of 30 trials of the search failed, in the comparable nights 9 of 270",
    ),
    "best": (
        said(
            night(values=TEN[:3], shift=0.0005, best=0.36),
            with_bests(0.2),
        ),
        REGRESSED,
        "the search's best val_loss is 0.360, 0.150 (71 %) above the usual 0.210 of 9 nights, which lie 0.019 apart; "
        "the control is as it was",
    ),
    "best, by another configuration": (
        said(
            night(values=TEN[:3], shift=0.0005, best=0.36, best_config="new"),
            with_bests(0.2, "old"),
        ),
        REGRESSED,
        "the search's best val_loss is 0.360, 0.150 (71 %) above the usual 0.210 of 9 nights, which lie 0.019 apart; "
        "the control is as it was",
    ),
    "best, better": (
        said(
            night(values=TEN[:3], shift=0.0005, best=0.06, best_config="old"),
            with_bests(0.2, "old"),
        ),
        IMPROVED,
        "the search's best val_loss is 0.060, 0.150 (71 %) below the usual 0.210 of 9 nights, which lie 0.019 apart; "
        "the control is as it was",
    ),
    "still": (
        said(night(shift=0.0015), quiet(9), state=REGRESSED),
        REGRESSED,
        "still so: the control's val_loss is 0.2145, 0.0021 (1 %) above the reference 0.2124; noise width 0.0026, "
        "10 seeds",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_one_sentence_says_it_with_its_numbers(case: str) -> None:
    found, verdict, why = SENTENCES[case]
    assert (found.verdict, found.why) == (verdict, why)


def test_a_better_configuration_is_a_find_and_no_better_model() -> None:
    """The search had luck: its code is what it was, and the next night would be called a relapse."""
    usual = with_bests(0.6, "old")
    lucky = night("lucky", TEN[:3], 0.0005, best=0.36, best_config="new")
    found = said(lucky, usual)
    assert found.verdict == OK
    assert found.remarks == (
        "the search found a better configuration: val_loss 0.360, 0.250 (41 %) below the usual 0.610; the control is "
        "as it was",
    )
    history = [*usual, replace(lucky, verdict=OK)]
    again = said(night(values=TEN[:3], shift=0.0004, best=0.37, best_config="new"), history)
    assert (again.verdict, again.remarks) == (OK, ()), "the champion does what it did before"
    lost = said(night(values=TEN[:3], shift=0.0004, best=0.9, best_config="new"), history)
    assert (lost.verdict, lost.by) == (REGRESSED, "best")


def test_the_same_values_without_the_state_are_within_the_noise() -> None:
    assert said(night(shift=0.0015), quiet(9)).verdict != REGRESSED


def test_what_decided_and_by_how_much() -> None:
    found = said(night(shift=0.018), quiet(5))
    assert found.by == "controls"
    assert found.effect == pytest.approx(found.tonight - found.reference)
    assert found.threshold < found.effect
    assert found.interval[0] < found.effect < found.interval[1]


def test_a_value_just_beyond_the_threshold_is_worse_and_one_just_below_is_not() -> None:
    nights = quiet(8)
    needed = said(night(), nights).threshold - said(night(), nights).effect
    assert said(night(values=[value + needed + 1e-5 for value in TEN]), nights).verdict == REGRESSED
    assert said(night(values=[value + needed - 1e-5 for value in TEN]), nights).verdict != REGRESSED


def test_a_slow_drift_is_found_though_each_night_is_like_the_ones_before() -> None:
    drift = said(night(shift=0.004), [night(f"n{i}", TEN[:3], 0.0001 * i) for i in range(40)])
    assert (drift.verdict, drift.by) == (REGRESSED, "drift")


def test_the_further_seeds_are_asked_for_when_something_is_unusual() -> None:
    nights = quiet(8)
    assert not asks_for_more(night(values=TEN[:3], shift=0.0004).controls, ANCHOR, nights, RULES)
    assert asks_for_more(night(values=TEN[:3], shift=0.008).controls, ANCHOR, nights, RULES)
    assert asks_for_more(night(values=TEN[:3], shift=-0.008).controls, ANCHOR, nights, RULES)
    for state in (REGRESSED, IMPROVED):
        assert asks_for_more(night(values=TEN[:3], shift=0.0004).controls, ANCHOR, nights, RULES, state)
    assert asks_for_more(night(values=TEN[:3]).controls, None, [], RULES)


def test_the_floor_is_measured_anew_after_thirty_nights_of_three_seeds() -> None:
    few = night(values=TEN[:3], shift=0.0004).controls
    assert not asks_for_more(few, ANCHOR, quiet(29), RULES)
    assert asks_for_more(few, ANCHOR, quiet(30), RULES)
    assert not asks_for_more(few, ANCHOR, [*quiet(20), night("full", shift=0.0002), *quiet(9)], RULES)


def test_seeds_that_repeat_bit_for_bit_are_not_counted_again() -> None:
    """Fourteen nights of the same three values are three observations, beside which ten cannot be sure of 0.1 %."""
    anchor = replace(ANCHOR, controls=dict(list(ANCHOR.controls.items())[:3]))
    same = [replace(anchor, night=f"n{i}") for i in range(14)]
    tonight = night(shift=0.03)
    assert judge(tonight, anchor, same, replace(RULES, false_alarms=0.001 / 0.6)).verdict != REGRESSED
    fresh = [night(f"n{i}", TEN[:3], 0.0001 * i) for i in range(1, 15)]
    assert judge(tonight, anchor, fresh, replace(RULES, false_alarms=0.001 / 0.6)).verdict == REGRESSED


def test_a_gpu_night_is_compared_seed_by_seed_with_those_of_its_conditions() -> None:
    """Differences far below the seeds' own, all to one side: told apart, and said only when large enough to matter."""
    jitter = [0.00002 * ((7 * i) % 5 - 2) for i in range(13)]
    nights = [night(f"n{i}", TEN, jitter[i], conditions="gpu") for i in range(13)]
    assert said(night(shift=0.0012, conditions="gpu"), nights).verdict == REGRESSED
    assert said(night(shift=0.0012, conditions="other"), nights).verdict != REGRESSED
    assert said(night(shift=0.0003, conditions="gpu"), nights).verdict == OK


def test_a_night_that_was_worse_and_was_accepted_is_the_reference_all_the_same() -> None:
    accepted = night("2026-11-09", shift=0.03, verdict=REGRESSED)
    repeated = judge(night(values=TEN[:3], shift=0.03), accepted, [], RULES)
    assert (repeated.verdict, repeated.why[-19:]) == (OK, "2026-11-09, 3 seeds")
    assert not asks_for_more(night(values=TEN[:3], shift=0.0304).controls, accepted, [], RULES)
    assert judge(night(shift=0.02), accepted, [], RULES).verdict == IMPROVED


def test_values_that_repeated_each_other_and_no_longer_do_are_remarked_on() -> None:
    same = [night(f"n{i}", TEN[:3], conditions="cpu") for i in range(3)]
    found = said(night(values=TEN[:3], shift=0.0002, conditions="cpu"), same)
    assert found.verdict == OK
    assert "did not" in found.remarks[0]
    assert not said(night(values=TEN[:3], shift=0.0002, conditions="new"), same).remarks


def test_more_overfitting_and_slower_epochs_are_remarks() -> None:
    nights = quiet(14, verdicts={"overfitting": 2, "healthy": 28}, seconds_per_epoch=1.0, training_seconds=100.0)
    found = said(
        night(shift=0.0003, verdicts={"overfitting": 9, "healthy": 21}, seconds_per_epoch=1.5, training_seconds=101.0),
        nights,
    )
    assert found.verdict == OK
    assert found.remarks == (
        "more overfitting than in the last 14 nights: 9 of 30 trials, before 28 of 420",
        "a control's epoch took 1.5 s, 50 % more than the usual 1",
    )
    assert not said(night(verdicts={"overfitting": 3, "healthy": 27}, seconds_per_epoch=1.1), nights).remarks


def test_failures_keep_an_improvement_from_being_said_and_a_regression_from_nothing() -> None:
    nights, failed = quiet(9, trials=30, failed=1), {"trials": 30, "failed": 15}
    assert said(night(shift=-0.01, **failed), nights).verdict == INCOMPLETE
    worse = said(night(shift=0.01, **failed), nights)
    assert worse.verdict == REGRESSED
    assert worse.remarks == ("more trials failed than usual: 15 of 30, before 9 of 270",)


def test_the_usual_failures_are_no_reason() -> None:
    nights = quiet(9, trials=30, failed=12)
    assert said(night(trials=30, failed=15), nights).verdict == OK
    assert said(night(trials=8, failed=4)).verdict == INCOMPLETE


loss = st.floats(0.05, 0.5).map(lambda value: round(value, 4))
one_night = st.lists(loss, min_size=10, max_size=10)
some_nights = st.lists(st.tuples(one_night, st.sampled_from([3, 10])), min_size=0, max_size=5)
states = st.sampled_from([None, OK, REGRESSED, IMPROVED])
MIRROR = {REGRESSED: IMPROVED, IMPROVED: REGRESSED}


def nights_of(drawn: list[tuple[list[float], int]]) -> list[Figures]:
    return [night(f"n{i}", values[:count]) for i, (values, count) in enumerate(drawn)]


@settings(max_examples=60, deadline=None)
@given(tonight=one_night, shift=st.floats(-0.3, 0.3), drawn=some_nights, state=states)
def test_a_metric_to_be_maximised_is_judged_alike_and_mirrored_figures_the_other_way(
    tonight: list[float], shift: float, drawn: list[tuple[list[float], int]], state: str | None
) -> None:
    one, nights = night(values=tonight, shift=shift), nights_of(drawn)
    found = judge(one, ANCHOR, nights, RULES, state)
    others = mirrored(one), mirrored(ANCHOR), [mirrored(night) for night in nights]
    assert judge(*others, replace(RULES, mode="max"), state).verdict == found.verdict
    assert judge(*others, RULES, MIRROR.get(state or OK, state)).verdict == MIRROR.get(found.verdict, found.verdict)


@settings(max_examples=60, deadline=None)
@given(tonight=one_night, drawn=some_nights, factor=st.sampled_from([0.25, 64.0, 1024.0]), state=states)
def test_the_unit_is_of_no_matter(
    tonight: list[float], drawn: list[tuple[list[float], int]], factor: float, state: str | None
) -> None:
    one, nights = night(values=tonight), nights_of(drawn)
    found = judge(one, ANCHOR, nights, RULES, state)
    others = [changed(night, factor, 3.0) for night in nights]
    again = judge(changed(one, factor, 3.0), changed(ANCHOR, factor, 3.0), others, RULES, state)
    assert (again.verdict, again.by) == (found.verdict, found.by)
    assert again.effect == pytest.approx(factor * (found.effect or 0.0), abs=1e-9 * factor)


@settings(max_examples=60, deadline=None)
@given(tonight=one_night, drawn=some_nights, order=st.permutations(range(10)))
def test_the_order_of_seeds_is_of_no_matter(
    tonight: list[float], drawn: list[tuple[list[float], int]], order: list[int]
) -> None:
    one, nights = night(values=tonight), nights_of(drawn)
    shuffled = replace(one, controls={seed: one.controls[seed] for seed in order})
    assert judge(shuffled, ANCHOR, nights, RULES) == judge(one, ANCHOR, nights, RULES)


@settings(max_examples=60, deadline=None)
@given(tonight=one_night, drawn=some_nights, more=st.floats(0.0, 0.5), state=states)
def test_worse_values_are_never_a_better_verdict(
    tonight: list[float], drawn: list[tuple[list[float], int]], more: float, state: str | None
) -> None:
    nights, places = nights_of(drawn), (IMPROVED, OK, NOISY, REGRESSED)
    before = judge(night(values=tonight), ANCHOR, nights, RULES, state).verdict
    after = judge(night(values=tonight, shift=more), ANCHOR, nights, RULES, state).verdict
    if before == REGRESSED:
        assert after == REGRESSED
    if after == IMPROVED:
        assert before == IMPROVED
    assert {before, after} <= set(places)


@settings(max_examples=40, deadline=None)
@given(drawn=some_nights, state=states, count=st.sampled_from([2, 3, 10]))
def test_a_night_like_the_accepted_one_is_ok(
    drawn: list[tuple[list[float], int]], state: str | None, count: int
) -> None:
    found = judge(night(values=TEN[:count]), ANCHOR, nights_of(drawn), RULES, state)
    assert found.verdict == OK
    assert "bit for bit" in found.why
