"""What holds for every history whatever it shows: the properties of the specification."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from diagnosis_histories import ODD, falling, histories, make, scaled
from hypothesis import given
from hypothesis import strategies as st

from tuner.diagnosis import diagnose, doomed, engine
from tuner.records.finding import HEALTHY, UNKNOWN, Diagnosis
from tuner.records.history import History


def verdict(history: History) -> str:
    return diagnose([history])[0].verdict


def digits(diagnosis: Diagnosis) -> list[object]:
    return [diagnosis.verdict, *((f.symptom, f.since_epoch, round(f.confidence, 9)) for f in diagnosis.findings)]


@given(histories(odd=False), st.floats(1e-6, 1e6))
def test_the_unit_of_the_loss_changes_no_verdict(history: History, factor: float) -> None:
    assert verdict(scaled(history, factor)) == verdict(scaled(history, 1.0))


@given(histories())
def test_a_nan_at_the_end_of_training_is_diverged(history: History) -> None:
    train = history.curves.get("train_loss", np.zeros(0))
    gaps = history.missing.get("train_loss", np.zeros(len(train), bool))
    longer = replace(
        history,
        curves={"train_loss": np.append(train, np.nan)},
        missing={"train_loss": np.append(gaps, False)},
        epoch=np.arange(1, len(train) + 2),
    )
    assert verdict(longer) == "diverged"
    found = doomed(longer)
    assert found is not None
    assert found.symptom == "diverged"


@given(histories(odd=False, longest=20), st.integers(2, 7))
def test_equal_steps_inside_each_epoch_change_no_verdict(history: History, steps: int) -> None:
    if "train_loss" not in history.curves:
        return
    by_step = {**history.curves, "train_loss": np.repeat(history.curves["train_loss"], steps)}
    assert verdict(replace(history, curves=by_step, steps_per_epoch=steps)) == verdict(history)


@given(st.lists(histories(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_the_symptoms_changes_nothing(batch: list[History], random: object) -> None:
    usual = diagnose(batch)
    mixed = list(engine.COMPUTED)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    before, engine.COMPUTED = engine.COMPUTED, tuple(mixed)
    try:
        assert repr(diagnose(batch)) == repr(usual)
    finally:
        engine.COMPUTED = before


@given(st.lists(histories(), max_size=5))
def test_nothing_crashes_it_and_what_it_says_is_sound(batch: list[History]) -> None:
    diagnoses = diagnose(batch)
    assert len(diagnoses) == len(batch)
    for history, diagnosis in zip(batch, diagnoses, strict=True):
        assert diagnosis.id == history.id
        assert diagnosis.verdict == (diagnosis.findings[0].symptom if diagnosis.findings else diagnosis.verdict)
        if not diagnosis.findings:
            assert diagnosis.verdict in (HEALTHY, UNKNOWN)
            assert bool(diagnosis.note) == (diagnosis.verdict == UNKNOWN)
        for finding in diagnosis.findings:
            assert 0.5 <= finding.confidence <= 1
            assert finding.says
            assert finding.remedies
        json.dumps(diagnosis.to_json(), allow_nan=False)
        doomed(history)


@given(st.lists(histories(), min_size=2, max_size=6))
def test_a_history_is_judged_alone(batch: list[History]) -> None:
    """To the ninth digit: a wider matrix adds its zeros in another order."""
    together, alone = diagnose(batch), [diagnose([history])[0] for history in batch]
    assert [digits(d) for d in together] == [digits(d) for d in alone]


@pytest.mark.parametrize("value", ODD)
def test_one_odd_point_alone(value: float) -> None:
    assert verdict(make([value], [value])) in ("diverged", UNKNOWN)


def test_nothing_at_all_is_unknown() -> None:
    assert verdict(History("h", {})) == UNKNOWN
    assert verdict(make([], [])) == UNKNOWN
    assert diagnose([]) == []


def test_a_curve_of_a_hundred_thousand_points() -> None:
    count = 100_000
    rising = falling(count, 2.3, 0.3, 20) + np.maximum(np.arange(count) - 20_000, 0) / count
    assert verdict(make(falling(count, 2.3, 0.01, 10), rising)) == "overfitting"


def test_accuracy_alone_is_enough() -> None:
    train = 1 - falling(60, 0.9, 0.01, 8)
    val = 1 - falling(60, 0.9, 0.2, 12) - 0.002 * np.arange(60)
    assert verdict(make(more={"train_accuracy": train, "val_accuracy": val})) == "overfitting"
    assert verdict(make(more={"train_accuracy": 100 * train, "val_accuracy": 100 * val})) == "overfitting"
