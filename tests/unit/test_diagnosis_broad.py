"""The properties of the specification over very broad histories; see `broad_histories.py` for how broad."""

from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType

import numpy as np
from broad_histories import broad_histories
from diagnosis_histories import scaled
from hypothesis import assume, given
from hypothesis import strategies as st

from tuner.diagnosis import diagnose, doomed
from tuner.diagnosis.batch import make_batch
from tuner.diagnosis.features import Features
from tuner.diagnosis.symptoms import ORDER
from tuner.records.finding import HEALTHY, UNKNOWN
from tuner.records.history import History


def verdict(history: History) -> str:
    return diagnose([history])[0].verdict


def in_range(history: History, factor: float) -> bool:
    """No finite value leaves the range in which a product is exact to the last digits."""
    known = [history.initial_loss or 0.0, history.baseline_loss or 0.0]
    values = np.concatenate([*history.curves.values(), np.array(known)])
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    return len(size) == 0 or (size.min() * min(factor, 1) > 1e-280 and size.max() * max(factor, 1) < 1e280)


@given(broad_histories(), st.floats(1e-6, 1e6))
def test_the_unit_of_the_loss_changes_no_verdict(history: History, factor: float) -> None:
    assume(in_range(history, factor))
    assert verdict(scaled(history, factor)) == verdict(scaled(history, 1.0))


@given(broad_histories(), st.booleans())
def test_a_nan_at_the_end_of_training_is_diverged(history: History, validated: bool) -> None:
    """Whatever came before, whatever else was measured with it, and by the step as well as by the epoch."""
    assume("train_loss" in history.curves)
    by_step = history.steps_per_epoch or 1
    curves, missing = {}, {}
    for name, values in history.curves.items():
        more = by_step if name == "train_loss" else 1
        end = np.nan if name == "train_loss" or not validated else values[-1]
        curves[name] = np.append(values, np.full(more, end))
        gaps = np.append(history.missing.get(name, np.zeros(len(values), bool)), np.zeros(more, bool))
        if name != "train_loss" and (not validated or np.isnan(end)):
            gaps[-1] = True
        if gaps.any():
            missing[name] = gaps
    longer = replace(history, curves=curves, missing=missing, epoch=np.append(history.epoch, history.epoch[-1] + 1))
    assert verdict(longer) == "diverged"
    found = doomed(longer)
    assert found is not None
    assert found.symptom == "diverged"


@given(broad_histories(), st.integers(2, 9))
def test_equal_steps_inside_each_epoch_change_no_verdict(history: History, steps: int) -> None:
    assume("train_loss" in history.curves and history.steps_per_epoch is None)
    assume(len(history.epoch) <= 1000)
    curves = {**history.curves, "train_loss": np.repeat(history.curves["train_loss"], steps)}
    missing = dict(history.missing)
    if "train_loss" in missing:
        missing["train_loss"] = np.repeat(missing["train_loss"], steps)
    assert verdict(replace(history, curves=curves, missing=missing, steps_per_epoch=steps)) == verdict(history)


@given(st.lists(broad_histories(), min_size=1, max_size=4), st.permutations(ORDER))
def test_the_order_of_the_symptoms_changes_nothing(batch: list[History], mixed: list[ModuleType]) -> None:
    """They share one set of features: none may change what the next one finds in it."""
    usual, other = Features(make_batch(batch)), Features(make_batch(batch))
    with np.errstate(all="ignore"):
        alone = {module.NAME: repr(module.find(usual)) for module in ORDER}
        assert {module.NAME: repr(module.find(other)) for module in mixed} == alone


@given(st.lists(broad_histories(), min_size=1, max_size=4))
def test_nothing_crashes_it_and_what_it_says_is_sound(batch: list[History]) -> None:
    for history, diagnosis in zip(batch, diagnose(batch), strict=True):
        assert diagnosis.id == history.id
        if not diagnosis.findings:
            assert diagnosis.verdict in (HEALTHY, UNKNOWN)
        for finding in diagnosis.findings:
            assert 0.5 <= finding.confidence <= 1
            assert finding.remedies
            assert finding.says
            assert "nan" not in finding.says.lower().replace("nan or infinite", "")
            if finding.since_epoch is not None:
                assert history.epoch[0] <= finding.since_epoch <= history.epoch[-1]
        json.dumps(diagnosis.to_json(), allow_nan=False)
        doomed(history)
