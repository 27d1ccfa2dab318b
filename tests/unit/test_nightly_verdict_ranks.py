"""The statistics by hand: ranks, noise, shares, tails."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from tuner.nightly.verdict.best import beyond
from tuner.nightly.verdict.noise import noise_width
from tuner.nightly.verdict.ranks import (
    centre,
    chance_of_larger,
    chance_of_larger_paired,
    just_larger,
    shift_interval,
    statistic,
)
from tuner.records.counts import chance_of_more

RNG = np.random.default_rng(5)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(("m", "n"), [(2, 3), (3, 5), (4, 4)])
def test_the_p_value_is_the_share_of_all_ways_to_cut(m: int, n: int) -> None:
    values = RNG.normal(size=m + n)
    ours, theirs = values[:m], values[m:]
    observed, ways = statistic(ours, theirs), 0
    for chosen in combinations(range(m + n), m):
        rest = [i for i in range(m + n) if i not in chosen]
        ways += statistic(values[list(chosen)], values[rest]) >= observed
    assert chance_of_larger(ours, theirs) == pytest.approx(ways / math.comb(m + n, m))


def test_three_that_are_all_larger_than_ten_are_one_way_of_286() -> None:
    assert chance_of_larger(array(11, 12, math.inf), np.arange(10.0)) == pytest.approx(1 / 286)


def test_the_tail_of_large_groups_keeps_its_digits() -> None:
    """45 beside 52, U = 1680 of 2340: the value of scipy.stats.mannwhitneyu, method="exact"."""
    ours = np.concatenate([np.full(30, 100.0), np.arange(15) + 0.5])
    theirs = np.arange(52.0)
    assert statistic(ours, theirs) == 30 * 52 + sum(range(1, 16))
    assert chance_of_larger(ours, theirs) == pytest.approx(8.769071030504984e-05, rel=1e-6)


def test_groups_of_the_same_values_show_nothing() -> None:
    same = np.full(10, 0.5)
    assert chance_of_larger(same, same) > 0.5
    assert chance_of_larger(array(), same) == 1.0


def test_the_interval_and_the_threshold_are_the_test_turned_round() -> None:
    ours, theirs = RNG.normal(size=10), RNG.normal(size=20)
    low, high = shift_interval(ours, theirs, 0.025)
    assert chance_of_larger(ours - low + 1e-9, theirs) <= 0.025 < chance_of_larger(ours - low - 1e-9, theirs)
    assert chance_of_larger(theirs, ours - high - 1e-9) <= 0.025 < chance_of_larger(theirs, ours - high + 1e-9)
    lacking = just_larger(ours, theirs, 0.006)
    assert chance_of_larger(ours + lacking + 1e-9, theirs) <= 0.006 < chance_of_larger(ours + lacking - 1e-9, theirs)


def test_two_values_beside_three_cannot_be_sure_of_a_hundredth() -> None:
    assert just_larger(array(9, 9), array(1, 2, 3), 0.01) == math.inf


def test_paired_places_are_uniform_within_each_seed() -> None:
    """Two seeds with one night before each: both larger, 1 of 4; with three nights before each, 1 of 16."""
    assert chance_of_larger_paired([2, 2], [array(1), array(1)]) == pytest.approx(1 / 4)
    assert chance_of_larger_paired([2, 2], [array(1, 0, 1), array(1, 1, 0)]) == pytest.approx(1 / 16)
    assert chance_of_larger_paired([2, 0], [array(1), array(1)]) == pytest.approx(3 / 4)
    assert chance_of_larger_paired([2.0], [array()]) == 1.0


def test_the_centre_bends_to_no_single_seed() -> None:
    assert centre(array(1, 2, 3)) == 2.0
    assert centre(array(1, 2, 300)) == pytest.approx((2 + 150.5) / 2)  # with three the farthest counts a quarter
    assert centre(array(1, 2, 3, 4, 5, math.inf)) == 3.5  # the 11th of 21 averages
    assert centre(array(1, math.inf, math.inf)) == math.inf
    with pytest.raises(ValueError, match="no values"):
        centre(array())


def test_a_noise_width_is_a_standard_deviation_that_a_failed_seed_does_not_widen() -> None:
    values = RNG.normal(3, 0.5, size=400)
    assert noise_width([values]) == pytest.approx(0.5, rel=0.1)
    ten = array(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    held = array(3, 3, 3, 4, 5, 6, 7, 8, 8, 8)
    assert noise_width([ten]) == pytest.approx(math.sqrt(((held - 5.5) ** 2).sum() / 9) / 0.6426)
    assert noise_width([array(1, 2, 3, 4, 5, 6, 7, 8, 9, math.inf)]) == pytest.approx(noise_width([ten]), rel=0.1)
    assert noise_width([array(1), array(2)]) is None
    assert noise_width([array(1, math.inf, math.inf)]) is None


def test_shares_by_fishers_tea() -> None:
    """The lady's four of four: 1 of 70; three or more: 17 of 70."""
    assert chance_of_more(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert chance_of_more(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert chance_of_more(0, 0, 3, 9) == 1.0


@pytest.mark.parametrize(("t", "chance"), [(0.0, 0.5), (2.1318468, 0.05), (4.6040949, 0.005), (8.6103016, 0.0005)])
def test_students_four_degrees_by_the_printed_table(t: float, chance: float) -> None:
    assert beyond(t) == pytest.approx(chance, rel=1e-6)
    assert beyond(-t) == pytest.approx(1 - chance)
    assert beyond(math.inf) == 0.0
