"""What a range test reads off its curves: by hand where the answer is known, and whatever the loss's scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.training.lr_curve import Ramp, Watch, end_of, geometric, ramp_of

RATES = geometric(1e-7, 10, 100)


def falling(seed: int = 0, scale: float = 1.0, shift: float = 0.0, noise: float = 0.02) -> list[float]:
    """Falls from 2 to 1 around a rate of 1e-3, rises from 0.1 up, and is lost from 1 up."""
    rng = np.random.default_rng(seed)
    found = []
    for rate in RATES:
        place = math.log10(rate)
        loss = 1 + 1 / (1 + math.exp(4 * (place + 3))) + (0.0 if place < -1 else 3 * (place + 1) ** 2)
        loss = math.nan if place > 0 else loss
        found.append(scale * (loss + noise * rng.standard_normal()) + shift)
        if math.isnan(loss):
            break
    return found


def read(scale: float = 1.0, shift: float = 0.0) -> Ramp:
    return ramp_of(RATES, [falling(seed, scale, shift) for seed in range(3)])


def test_the_steepest_rate_and_the_edge_are_found() -> None:
    found = read()
    assert found.start == pytest.approx(2, abs=0.05)
    assert found.steepest == pytest.approx(1e-3, rel=1.0)
    assert found.edge == pytest.approx(0.1, rel=1.5)
    assert found.losses[-1] == math.inf
    assert len(found.losses) == len(RATES)


@given(scale=st.floats(1e-3, 1e6), shift=st.floats(-100, 100))
def test_neither_scale_nor_sign_of_the_loss_matters(scale: float, shift: float) -> None:
    one, other = read(), read(scale, scale * shift)
    assert (other.steepest, other.edge) == (pytest.approx(one.steepest), pytest.approx(one.edge))


def test_one_seed_that_diverges_early_does_not_decide() -> None:
    early = falling(0)[:30]
    found = ramp_of(RATES, [early, falling(1), falling(2)])
    assert found.steepest == pytest.approx(1e-3, rel=1.0)


def test_a_loss_that_never_falls_has_no_steepest_rate() -> None:
    rising = [1.0 + 0.01 * number for number in range(100)]
    assert ramp_of(RATES, [rising]).steepest is None
    assert ramp_of(RATES, [[math.nan]]).steepest is None
    assert ramp_of(RATES, [[1.0] * 100]).edge is None


def test_a_loss_that_never_rises_has_no_edge() -> None:
    assert ramp_of(RATES, [[2.0 - 0.01 * number for number in range(100)]]).edge is None


def watched(losses: list[float]) -> int:
    """How many are trained before it is stopped."""
    watch = Watch()
    return next((number for number, loss in enumerate(losses, 1) if not watch.goes_on(loss)), len(losses))


def test_training_stops_at_four_times_the_best_or_at_no_number() -> None:
    assert watched([1.0] * 10 + [math.nan]) == 11
    assert watched([1.0] * 10 + [math.inf]) == 11
    assert watched([1.0] * 50 + [3.9] * 200) == 250
    assert 50 < watched([1.0] * 50 + [4.5] * 200) < 250
    assert watched([2.3] * 10 + [0.01] * 100 + [0.05] * 50) == 160, "four times next to nothing is next to nothing"
    assert watched([-1.0] * 50 + [1.9] * 200) == 250
    assert watched([-1.0] * 50 + [9.0] * 200) < 250
    assert watched([2.0, 60.0, 2.0, 2.0]) == 4, "a single batch"


def test_the_end_is_the_mean_of_the_last_tenth() -> None:
    assert end_of([9.0] * 90 + [1.0] * 10, 100) == 1.0
    assert end_of([9.0] * 90 + [1.0] * 9, 100) == math.inf, "it was stopped"
    assert end_of([1.0, math.nan], 2) == math.inf
