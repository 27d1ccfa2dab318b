"""Conditions, their products and what they measure, against plain and slow versions of themselves."""

from __future__ import annotations

import math
import operator
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from diagnosis_histories import falling, make, noisy
from hypothesis import given
from hypothesis import strategies as st

from tuner.diagnosis import diagnose
from tuner.diagnosis.batch import make_batch
from tuner.diagnosis.features import Features
from tuner.diagnosis.symptoms import ORDER, undertrained
from tuner.diagnosis.weigh import SUREST, Condition, weigh

RISE = Condition("rise", 0.06, 0.1, 0.1)
SMALL = Condition("gap", 0.5, 0.2, 0.3)


def slowly(condition: Condition, value: float) -> float:
    at, limit, sure = (math.asinh(x / condition.unit) for x in (value, condition.limit, condition.sure))
    return 1 / (1 + 9 ** (-(at - limit) / (sure - limit)))


def product(factors: list[np.ndarray]) -> np.ndarray:
    return reduce(operator.mul, factors)


@pytest.mark.parametrize("condition", [RISE, SMALL])
def test_a_condition_is_even_at_its_limit_and_nine_in_ten_where_it_is_sure(condition: Condition) -> None:
    known = condition.holds(np.array([condition.limit, condition.sure, np.nan]))
    assert known == pytest.approx([0.5, 0.9, 0.0])


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_all_of_a_way_and_one_of_the_ways(rise: float, gap: float) -> None:
    first, second = slowly(RISE, rise), slowly(SMALL, gap)
    measures = {"rise": np.array([rise]), "gap": np.array([gap])}
    both, each = weigh(((RISE, SMALL), (RISE,)), measures)
    assert each[0][0] == pytest.approx(first * second, abs=1e-9)
    assert both[0] == pytest.approx(min(1 - (1 - first * second) * (1 - first), SUREST), abs=1e-9)


@pytest.mark.parametrize("module", ORDER, ids=lambda module: module.NAME)
@given(st.integers(0, 2**32 - 1))
def test_conditions_together_are_those_alone_to_the_bit(module, seed: int) -> None:  # type: ignore[no-untyped-def]
    """They are looked up by the symptom's ways and computed in one table, for speed."""
    rng = np.random.default_rng(seed)
    names = sorted({condition.measure for way in module.WAYS for condition in way})
    measures = {name: rng.standard_normal(3) * 10.0 ** rng.integers(-3, 4, 3) for name in names}
    measures[names[0]][1] = np.nan
    both, each = weigh(module.WAYS, measures)
    alone = [product([condition.holds(measures[condition.measure]) for condition in way]) for way in module.WAYS]
    assert np.array(each).tobytes() == np.array(alone).tobytes()
    none = product([1 - way for way in alone])
    assert both.tobytes() == np.minimum(1 - none, SUREST).tobytes()


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_more_of_a_measure_is_never_less_sure(one: float, other: float) -> None:
    low, high = RISE.holds(np.array(sorted([one, other])))
    assert low <= high


@pytest.mark.parametrize("module", ORDER, ids=lambda module: module.NAME)
def test_every_condition_has_its_measure(module) -> None:  # type: ignore[no-untyped-def]
    features = Features(make_batch([make(falling(20, 2, 0.2), falling(20, 2, 0.4), baseline_loss=2.3)]))
    assert {condition.measure for way in module.WAYS for condition in way} <= set(module.measures(features))
    assert "Reaches " in Path(str(module.__file__)).read_text(encoding="utf-8")


def test_a_fall_that_has_come_to_rest_is_not_still_falling() -> None:
    """The learning rate of a cosine schedule ends at 0, and so does the fall."""
    epochs = np.arange(60)
    rests = 0.5 + np.where(epochs < 48, 1.5 * (1 - epochs / 48), 0.0)
    goes_on = 2.0 - 1.5 * epochs / 60
    features = Features(make_batch([make(rests, rests), make(goes_on, goes_on)]))
    lately = undertrained.measures(features)["lately"]
    assert lately[0] < 0.3
    assert lately[1] == pytest.approx(1.0, abs=0.05)


def test_a_fall_after_a_ragged_stall_is_a_plateau_and_a_bump_is_none() -> None:
    stalled = np.concatenate([falling(6, 2.0, 1.2, 8), noisy(np.full(14, 1.2), 0.04), falling(14, 0.9, 0.6)])
    verdicts = [finding.symptom for finding in diagnose([make(stalled, baseline_loss=2.3)])[0].findings]
    assert "plateau" in verdicts
    bump = falling(34, 2.0, 0.6, 6)
    bump[14:24] += 0.8
    assert "plateau" not in [f.symptom for f in diagnose([make(bump, baseline_loss=2.3)])[0].findings]


def test_a_few_large_jumps_are_noise_too() -> None:
    val = falling(60, 2.0, 0.4, 10)
    val[[20, 27, 33, 34, 41, 47, 50, 55]] *= 2.5
    assert "noisy_validation" in [f.symptom for f in diagnose([make(falling(60, 2.0, 0.3, 10), val)])[0].findings]


def test_what_to_do_first_stands_first_unless_something_else_is_much_surer() -> None:
    """Training blows up by so much that overfitting, seen beside it, comes second."""
    epochs = 40
    train = falling(epochs, 2.0, 0.2, 12) + 0.03 * np.maximum(np.arange(epochs) - 20, 0)
    val = falling(epochs, 2.0, 0.5, 12) + 0.03 * np.maximum(np.arange(epochs) - 20, 0)
    findings = diagnose([make(train, val, baseline_loss=2.3)])[0].findings
    surest = max(finding.confidence for finding in findings)
    names = [module.NAME for module in ORDER]
    close = [names.index(f.symptom) for f in findings if f.confidence >= surest - 0.2]
    assert findings[0].symptom == "unstable"
    assert close == sorted(close)
    assert [f.confidence >= surest - 0.2 for f in findings] == sorted(
        (f.confidence >= surest - 0.2 for f in findings), reverse=True
    )


def test_validation_below_training_needs_to_know_of_dropout() -> None:
    """Where nobody says how training was measured, dropout may have lifted it."""
    train, val = falling(40, 2.0, 0.5, 10), falling(40, 2.0, 0.42, 10)
    assert diagnose([make(train, val)])[0].verdict == "healthy"
    assert diagnose([make(train, val, train_eval="after_epoch")])[0].verdict == "easy_validation"
    assert diagnose([make(train, val, train_eval="after_epoch", config={"dropout": 0.5})])[0].verdict != "healthy"
    assert diagnose([make(train, val, train_eval="epoch_mean", config={"dropout": 0.5})])[0].verdict == "healthy"


def test_training_alone_has_to_fall_by_much_to_be_undertrained() -> None:
    """Validation may have come to rest long ago."""
    assert diagnose([make(falling(30, 2.3, 0.1, 1.0), baseline_loss=2.3)])[0].verdict == "undertrained"
    assert diagnose([make(falling(30, 2.3, 0.3, 4.0), baseline_loss=2.3)])[0].verdict == "healthy"
