"""Control trials: trained first, on fixed seeds, told to nobody, decided once, and the same after a resume."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from control_kit import DriverKilled, Outcome, Sweep, report
from hypothesis import given, settings
from hypothesis import strategies as st
from test_control_replay import decisions
from test_control_seeds import Heard, noisy_curve

from tuner.control.control_trials import Controls
from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, Failure
from tuner.records.trial import COMPLETED, DOOMED, FAILED

SEEDS = (11, 12, 13, 14, 15)
CONFIG = {"lr": 0.02, "dropout": 0.1, "schedule": "cosine"}


def never(_values: Mapping[int, float]) -> bool:
    return False


def always(_values: Mapping[int, float]) -> bool:
    return True


def rules(more: object = never, **changes: object) -> Rules:
    plain = Rules(metric="val_loss", mode="min", max_epochs=9, trials=8, seed=5, final_top=2, final_seeds=2)
    controls = Controls(CONFIG, SEEDS, first=2, more=more)  # type: ignore[arg-type]
    return replace(plain, controls=controls, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("scheduler", ["asha", "asha_promotion", "none"])
def test_they_come_first_and_the_search_hears_nothing_of_them(scheduler: str, slots: int) -> None:
    alone = Sweep(replace(rules(), controls=None), scheduler=scheduler)
    heard_alone = Heard(alone)
    alone_record = alone.run(noisy_curve, slots=1)
    sweep = Sweep(rules(), scheduler=scheduler)
    heard = Heard(sweep)
    record = sweep.run(noisy_curve, slots=slots)
    assert [one.trial for one in record.controls] == ["control-1", "control-2"]
    assert [one.seed for one in record.controls] == [11, 12]
    assert {len(one.epochs) for one in record.controls} == {9}
    assert all(one.config == CONFIG and not one.rungs for one in record.controls)
    first = [line["trial"] for line in sweep.lines if line["kind"] == "start"][:2]
    assert first == ["control-1", "control-2"]
    assert not {one.trial for one in record.controls} & {one.trial for one in record.trainings}
    if slots == 1:
        assert heard.ends == heard_alone.ends
        assert [trial.config for trial in record.trials] == [trial.config for trial in alone_record.trials]
        assert record.finalists == alone_record.finalists


@pytest.mark.parametrize("more", [never, always])
def test_whoever_compares_them_says_whether_the_others_are_trained(more: object) -> None:
    asked: list[Mapping[int, float]] = []

    def compare(values: Mapping[int, float]) -> bool:
        asked.append(dict(values))
        return more(values)  # type: ignore[operator,no-any-return]

    record = Sweep(rules(compare)).run(noisy_curve, slots=2)
    assert len(asked) == 1
    assert asked[0] == {one.seed: one.value for one in record.controls[:2]}
    assert len(record.controls) == (5 if more is always else 2)


def test_nobody_is_asked_where_the_first_are_all() -> None:
    def compare(_values: Mapping[int, float]) -> bool:
        raise AssertionError("asked")

    record = Sweep(replace(rules(), controls=Controls(CONFIG, SEEDS, 5, compare))).run(noisy_curve)
    assert [one.seed for one in record.controls] == list(SEEDS)


def test_a_diverged_control_is_infinitely_bad_and_a_failed_one_says_nothing() -> None:
    asked: list[Mapping[int, float]] = []

    def compare(values: Mapping[int, float]) -> bool:
        asked.append(dict(values))
        return False

    def curve(job: Assignment, epoch: int) -> Outcome:
        if job.trial == "control-1":
            return report(job, epoch, math.nan)
        if job.trial == "control-2":
            return Failure(job.trial, job.attempt, "raised", "ValueError: no")
        return noisy_curve(job, epoch)

    record = Sweep(rules(compare)).run(curve)
    assert asked == [{11: math.inf}]
    assert [one.ending for one in record.controls] == [DOOMED, FAILED]
    assert record.best is not None
    assert record.best.trial[:1] == "0"


def test_a_control_never_wins_and_is_no_finalist() -> None:
    def curve(job: Assignment, epoch: int) -> Outcome:
        return report(job, epoch, 0.001 if job.trial.startswith("control") else 0.5 + 1 / epoch)

    record = Sweep(rules()).run(curve)
    assert record.best is not None
    assert record.best.trial in {trial.trial for trial in record.trials}
    assert all(name in {trial.trial for trial in record.trials} for name in record.finalists)


def test_a_target_is_not_reached_by_a_control() -> None:
    def curve(job: Assignment, epoch: int) -> Outcome:
        return report(job, epoch, 0.001 if job.trial.startswith("control") else 0.5 + 1 / epoch)

    record = Sweep(rules(target={"val_loss": 0.01})).run(curve)
    assert len(record.trials) == 8


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 140), st.sampled_from(["asha", "asha_promotion", "none"]), st.booleans())
def test_a_night_killed_anywhere_and_resumed_decides_as_an_unbroken_one(at: int, scheduler: str, more: bool) -> None:
    asks = rules(always if more else never)
    whole = Sweep(asks, scheduler=scheduler)
    record = whole.run(noisy_curve)
    sweep = Sweep(asks, scheduler=scheduler)
    sweep.crash_after = at
    with contextlib.suppress(DriverKilled):
        sweep.run(noisy_curve)
    sweep.resume()
    resumed = sweep.run(noisy_curve)
    assert decisions(sweep) == decisions(whole)
    assert [one.value for one in resumed.controls] == [one.value for one in record.controls]
    assert len({one.trial for one in resumed.controls}) == len(resumed.controls) == (5 if more else 2)


def test_the_search_ends_early_enough_for_the_finalists() -> None:
    """An epoch takes a second on the one worker: four finalists' trainings of nine epochs take 36 s."""
    asks = rules(never, trials=1000, seconds=200.0, spare_finalists=True)
    sweep = Sweep(asks)
    record = sweep.run(noisy_curve)
    over = [line for line in sweep.lines if line["kind"] == "search_over"]
    assert len(over) == 1
    assert len(record.repeats) == 4
    assert {one.ending for one in record.repeats} == {COMPLETED}
    assert sweep.controller.stopping is None
    assert sweep.lines[-1]["at"] - 1_000_000 <= 200


def test_without_it_the_clock_ends_all() -> None:
    sweep = Sweep(rules(never, trials=1000, seconds=200.0, seconds_told=7200.0))
    record = sweep.run(noisy_curve)
    assert not record.repeats
    assert sweep.controller.stopping == "2 hours are over"


def test_gpu_hours_are_counted_over_all_epochs_and_workers() -> None:
    sweep = Sweep(rules(never, trials=1000, gpu_seconds=100.0, gpus=2.0))
    record = sweep.run(noisy_curve)
    trained = sum(len(one.epochs) for one in record.everything)
    assert trained == 50
    assert sweep.controller.stopping == "0.0277778 GPU hours are spent"
