"""The simulated nights are what they say, and the rivals by hand."""

from __future__ import annotations

import numpy as np
import pytest
from nightly_years import ALL, FIRST, RIVALS, Plant, World, Year, recorded

from tuner.records.night import INCOMPLETE, OK, REGRESSED

WORSE, SIGMA = RIVALS.values()


def year(world: World, seed: int = 4) -> Year:
    return Year(world, np.random.default_rng(seed))


def test_the_rivals_by_hand() -> None:
    assert WORSE([1.0, 1.02])
    assert not WORSE([1.0, 1.005])
    assert WORSE([-0.90, -0.88])  # an accuracy, as badness
    assert not WORSE([1.0])
    swings = [1.0, 1.1] * 7
    assert not SIGMA([*swings, 1.2])
    assert SIGMA([*swings, 1.21])  # 1.05 + 3 x 0.0519
    assert not SIGMA([9.0])


def test_a_diverged_training_is_the_worst_in_either_metric() -> None:
    pool = recorded()["edge"]
    assert len(pool["val_loss"]) == len(pool["val_accuracy"]) >= 1000
    assert pool["val_accuracy"].max() <= 0 < pool["val_loss"].min()


def test_the_anchor_and_the_nights_have_no_training_in_common() -> None:
    one = year(World("fresh"))
    assert len(one.anchors) == len(one.fresh)
    assert sorted([*one.anchors, *one.fresh]) == sorted(recorded()["mlp"]["val_loss"])
    one.run(3)
    assert set(one.reference.controls.values()) <= set(one.anchors)
    assert set(one.nights[-1].controls.values()) <= set(one.fresh)


def test_fixed_seeds_repeat_bit_for_bit_until_something_changes() -> None:
    one = year(World("still", changes=0.0, harmless=0.5))
    told = one.run(12)
    assert {night.verdict for night in told} == {OK}
    assert {night.trained for night in told} == {FIRST}
    assert all(night.controls[0] == one.reference.controls[0] for night in one.nights)
    assert len({night.conditions for night in one.nights}) > 1


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_a_step_of_five_widths_is_found_that_night_with_all_seeds(metric: str) -> None:
    one = year(World("fresh", metric=metric))
    one.run(3)
    told = one.run(1, Plant("a step", step=5.0))[0]
    assert (told.verdict, told.by, told.trained) == (REGRESSED, "controls", ALL)


def test_a_night_with_half_its_trials_failed_is_incomplete() -> None:
    one = year(World("still", changes=0.0))
    one.run(3)
    assert one.run(1, Plant("failures", failed=0.5))[0].verdict == INCOMPLETE
