"""Sweep findings: each on a sweep with the cause planted, and not on its healthy twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_records import BATCH, DROPOUT, EPOCHS, LR, OPTIMIZER, WIDTH, bowl, record, sweep, trial, with_remedies

from tuner.diagnosis import diagnose_sweep
from tuner.diagnosis.sweep.forest import importances
from tuner.diagnosis.sweep.standing import standing
from tuner.records.epochs import EpochMetrics
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import FAILED, Rung, SweepRecord, TrialRecord


def found(made: SweepRecord) -> dict[str, Finding]:
    return {finding.symptom: finding for finding in diagnose_sweep(made)}


@pytest.mark.parametrize("seed", range(12))
def test_a_healthy_sweep_has_no_finding(seed: int) -> None:
    made = sweep(bowl, parameters=(LR, DROPOUT), seed=seed, count=48, pace=12)
    assert found(made) == {}


@pytest.mark.parametrize("seed", range(6))
def test_a_healthy_sweep_that_was_pruned_has_no_finding(seed: int) -> None:
    made = sweep(bowl, seed=seed, count=48, pace=12, until=lambda number: EPOCHS if number % 5 == 0 else 3)
    assert found(made) == {}


@given(seed=st.integers(0, 10**6), count=st.integers(0, 14), said=st.sampled_from(("healthy", "diverged", "unknown")))
@settings(max_examples=40)
def test_nothing_crashes_and_noise_alone_moves_no_bound(seed: int, count: int, said: str) -> None:
    rng = np.random.default_rng(seed)
    made = sweep(lambda config: rng.uniform(0.5, 1.0), verdict=lambda config: said, count=count, seed=seed, pace=12)
    assert {"parameter_idle", "batch_and_lr_coupled", "capacity_short", "no_progress"} & set(found(made)) == set()


@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_the_loss_scale_changes_nothing(seed: int) -> None:
    made = sweep(lambda config: -0.1 * math.log10(config["lr"]), count=40, seed=seed)

    def scaled(epoch: EpochMetrics) -> EpochMetrics:
        return replace(epoch, metrics={name: 1000 * value for name, value in epoch.metrics.items()})

    other = [replace(t, value=1000 * (t.value or 0), epochs=tuple(map(scaled, t.epochs))) for t in made.trials]
    names = [f.symptom for f in diagnose_sweep(made) if f.symptom != "capacity_short"]
    assert names == [f.symptom for f in diagnose_sweep(replace(made, trials=tuple(other)))]


# --- standing ----------------------------------------------------------------------------------------------------


def test_trials_are_compared_at_the_last_epoch_that_both_have() -> None:
    long = trial(0, {"lr": 0.1}, np.linspace(3.0, 1.0, EPOCHS))
    ahead = trial(1, {"lr": 0.2}, np.linspace(2.5, 2.0, 5), pruned=True)
    behind = trial(2, {"lr": 0.3}, np.linspace(4.0, 3.5, 5), pruned=True)
    lost = trial(3, {"lr": 0.4}, np.array([2.9, math.nan]), "diverged")
    never = replace(trial(4, {"lr": 0.5}, np.array([0.1])), ending=FAILED)
    stood = standing(record([long, ahead, behind, lost, never], (LR,)))
    assert [t.number for t in stood.trials] == [0, 1, 2, 3]
    assert stood.score.tolist() == [2 / 3, 1.0, 1 / 3, 0.0]
    assert [t.number for t in stood.ranked] == [1, 0, 2]


# --- best_at_boundary --------------------------------------------------------------------------------------------


def test_best_at_boundary_widens_the_range() -> None:
    finding = found(sweep(lambda config: -0.1 * math.log10(config["lr"])))["best_at_boundary"]
    (remedy,) = finding.remedies
    assert (remedy.change, remedy.old) == ("space.lr.high", 1.0)
    assert isinstance(remedy.new, float)
    assert remedy.new > 10


def test_a_searcher_that_crowds_at_the_bound_is_seen_by_the_trend() -> None:
    def crowding(number: int, rng: np.random.Generator) -> dict[str, float]:
        return {
            "lr": 10 ** (-5 * rng.random() if number < 10 else -0.9 * rng.random()),
            DROPOUT.name: rng.random() * 0.6,
        }

    made = sweep(lambda config: 0.3 - 0.3 * math.log10(config["lr"]), configs=crowding, count=48)
    assert found(made)["best_at_boundary"].remedies[0].change == "space.lr.high"


def test_a_bound_that_nothing_can_pass_is_left_alone() -> None:
    assert "best_at_boundary" not in found(sweep(lambda config: config[DROPOUT.name]))


def test_the_end_of_a_range_that_is_otherwise_lost_is_no_bound() -> None:
    """The best lie in the lowest fifth of the range, but in the middle of what does not diverge."""

    def found_at(best: float) -> list[tuple[str, float]]:
        made = sweep(
            lambda config: 0.1 * abs(math.log10(config["lr"] / best)),
            verdict=lambda config: "diverged" if config["lr"] > 4e-4 else "healthy",
            count=120,
            noise=0.001,
        )
        return (
            [(r.change, float(r.new or 0)) for r in found(made)["best_at_boundary"].remedies]
            if ("best_at_boundary" in found(made))
            else []
        )

    assert found_at(6e-5) == []
    ((change, new),) = found_at(1e-6)
    assert change == "space.lr.low"
    assert 1e-6 < new < 1e-5


def test_where_nothing_learns_luck_moves_no_bound() -> None:
    def found_with(said: str) -> bool:
        made = sweep(lambda config: 2.5 - config[DROPOUT.name], verdict=lambda config: said, count=48, noise=0.001)
        return "best_at_boundary" in found(made)

    assert found_with("healthy")
    assert not found_with("not_learning")


# --- best_at_last_epoch ------------------------------------------------------------------------------------------


def test_best_at_last_epoch_asks_for_more() -> None:
    made = sweep(bowl, verdict=lambda config: "undertrained", pace=1.0, noise=0.001)
    (remedy,) = found(made)["best_at_last_epoch"].remedies
    assert (remedy.change, remedy.old, remedy.new) == ("search.max_epochs", EPOCHS, 40)


def test_three_epochs_are_seen_to_be_too_few() -> None:
    assert "best_at_last_epoch" in found(sweep(bowl, epochs=3, pace=1.0, noise=0.001))
    assert "best_at_last_epoch" not in found(sweep(bowl, epochs=3, pace=60.0, noise=0.01))


def test_pruned_trials_are_no_evidence_for_more_epochs() -> None:
    made = sweep(bowl, pace=1.0, noise=0.001, until=lambda number: 4)
    assert "best_at_last_epoch" not in found(made)


# --- diverges_above ----------------------------------------------------------------------------------------------


def test_diverges_above_caps_the_learning_rate() -> None:
    made = sweep(bowl, verdict=lambda config: "diverged" if config["lr"] > 0.02 else "healthy")
    (remedy,) = found(made)["diverges_above"].remedies
    assert remedy.change == "space.lr.high"
    assert isinstance(remedy.new, float)
    assert 0.02 <= remedy.new < 0.06


def pruned_at_one(first_loss: Callable[[float], float], count: int = 40) -> SweepRecord:
    """As under successive halving: all but the best are stopped after one epoch, too early for a verdict."""
    rng = np.random.default_rng(2)
    trials = []
    for number in range(count):
        lr = 10 ** rng.uniform(-5, 0)
        losses = np.array([first_loss(lr), *([1.0] * (EPOCHS - 1) if 1e-3 < lr < 1e-2 else [])])
        trials.append(trial(number, {"lr": lr}, losses, "unknown", pruned=len(losses) == 1))
    return record(trials, (LR,))


def test_what_a_scheduler_prunes_far_above_the_start_has_diverged() -> None:
    """The verdict takes more epochs than the scheduler grants."""
    (remedy,) = found(pruned_at_one(lambda lr: 40.0 if lr > 0.05 else 2.0))["diverges_above"].remedies
    assert remedy.change == "space.lr.high"
    assert 0.05 <= float(remedy.new or 0) < 0.15
    assert "diverges_above" not in found(pruned_at_one(lambda lr: 3.4 if lr > 0.05 else 2.0)), "not far above"


def test_trials_that_learnt_nothing_are_no_evidence_of_what_can_be_borne() -> None:
    """Too slow to have moved; or, above 0.05, every other one dead after its first steps, not far above the start."""
    halves = np.random.default_rng(4)
    made = pruned_at_one(lambda lr: 2.99 if lr < 3e-4 else 2.0 if lr < 0.05 else halves.choice([2.99, 90.0]))
    finding = found(made)["diverges_above"]
    assert float(finding.remedies[0].new or 0) >= 0.05
    assert finding.evidence["lost_above"] == finding.evidence["above"]


def test_divergence_anywhere_is_no_matter_of_the_learning_rate() -> None:
    chance = np.random.default_rng(1)
    made = sweep(bowl, verdict=lambda config: "diverged" if chance.random() < 0.3 else "healthy")
    assert "diverges_above" not in found(made)


def limit(config: Any) -> float:
    return 0.1 if config["optimizer"] == "sgd" else 0.001


def test_the_optimizer_that_bears_more_keeps_its_range() -> None:
    made = sweep(
        bowl,
        verdict=lambda config: "diverged" if config["lr"] > limit(config) else "healthy",
        parameters=(LR, OPTIMIZER),
        count=80,
    )
    finding = found(made)["diverges_above"]
    cuts = {name: value for name, value in finding.evidence.items() if name.startswith("cut at")}
    assert cuts["cut at optimizer adam"] < 0.01 < 0.1 <= cuts["cut at optimizer sgd"]
    (remedy,) = finding.remedies
    assert remedy.new == max(finding.evidence["cut"], *cuts.values())
    assert remedy.new > finding.evidence["cut"]
    assert remedy.because.endswith(f"; with optimizer sgd only from {remedy.new:g} up")


def test_no_bound_moves_where_one_optimizer_bears_it_all() -> None:
    made = sweep(
        bowl,
        verdict=lambda config: "diverged" if config["optimizer"] == "adam" and config["lr"] > 1e-3 else "healthy",
        parameters=(LR, OPTIMIZER),
        count=80,
    )
    finding = found(made)["diverges_above"]
    assert "adam" in finding.says
    assert not [r for r in finding.remedies if r.change.startswith("space.")]


# --- batch_and_lr_coupled ----------------------------------------------------------------------------------------


def coupled(slope: float) -> Any:
    def value(config: Any) -> float:
        return 0.05 * (math.log(config["lr"]) - math.log(3e-3) - slope * math.log(config["batch_size"] / 90)) ** 2

    return value


def test_the_slope_of_lr_with_batch_size_is_measured() -> None:
    made = sweep(coupled(1.0), parameters=(LR, BATCH), count=64, noise=0.02)
    finding = found(made)["batch_and_lr_coupled"]
    assert finding.evidence["slope_low"] < 1.0 < finding.evidence["slope_high"]
    assert finding.evidence["slope"] == pytest.approx(1.0, abs=0.35)
    assert finding.remedies[0].change == "space.batch_size"


@pytest.mark.parametrize("seed", range(6))
def test_lr_and_batch_size_apart_are_not_coupled(seed: int) -> None:
    made = sweep(coupled(0.0), parameters=(LR, BATCH), count=64, noise=0.02, seed=seed)
    assert "batch_and_lr_coupled" not in found(made)


# --- parameter_idle ----------------------------------------------------------------------------------------------


def test_a_parameter_that_does_nothing_is_idle() -> None:
    made = sweep(lambda config: bowl({"lr": config["lr"]}), parameters=(LR, DROPOUT), count=64)
    finding = found(made)["parameter_idle"]
    (remedy,) = finding.remedies
    assert remedy.change == "space.model.mlp.dropout"
    assert isinstance(remedy.new, float)
    assert 0 <= finding.evidence["importance"] <= finding.evidence["importance_high"] < 0.03


def test_nothing_is_idle_where_all_is_noise() -> None:
    rng = np.random.default_rng(3)
    assert "parameter_idle" not in found(sweep(lambda config: rng.uniform(0.2, 1.0), count=64))


@pytest.mark.parametrize("seed", range(6))
def test_a_parameter_with_a_small_effect_is_not_idle(seed: int) -> None:
    made = sweep(
        lambda config: bowl({"lr": config["lr"]}) + 0.5 * config[DROPOUT.name], count=80, noise=0.005, seed=seed
    )
    assert "parameter_idle" not in found(made)


def test_a_parameter_that_was_hardly_tried_is_not_called_idle() -> None:
    def narrow(number: int, rng: np.random.Generator) -> dict[str, float]:
        return {"lr": 10 ** rng.uniform(-5, 0), DROPOUT.name: rng.uniform(0.29, 0.31)}

    assert "parameter_idle" not in found(sweep(lambda config: bowl({"lr": config["lr"]}), configs=narrow, count=64))


def test_the_forest_knows_what_matters() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((120, 3))
    found = importances(x, (x[:, 0] > 0.5) + 0.3 * x[:, 1])
    assert found.low[0] > found.high[1] > found.middle[1] > 0.02
    assert abs(found.middle[2]) < 0.03
    assert found.explained > 0.7


# --- stopped_too_early -------------------------------------------------------------------------------------------


def rung_sweep(crossing: bool, count: int = 60, luck: int = 1) -> SweepRecord:
    """For `luck` epochs the ranks are chance (`crossing`) or those of the end; every third goes on."""
    rng = np.random.default_rng(0)
    trials = []
    for number in range(count):
        config, end = {"lr": 10 ** rng.uniform(-5, 0)}, rng.uniform(0.5, 1.5)
        start = rng.uniform(2.0, 3.0) if crossing else 1.5 + end
        losses = np.concatenate([[start], end + 0.4 * np.exp(-np.arange(1, EPOCHS) / 2)])
        losses[1:luck] = rng.uniform(2.0, 3.0, luck - 1)
        on = number % 3 == 0
        rungs = (Rung(f"{number:04d}", 1, start, on, ""),)
        trials.append(trial(number, config, losses if on else losses[:1], pruned=not on, rungs=rungs))
    return record(trials, (LR,))


def test_a_rung_that_predicts_nothing_comes_too_early() -> None:
    finding = found(rung_sweep(crossing=True))["stopped_too_early"]
    (remedy,) = finding.remedies
    assert (remedy.change, remedy.old, remedy.new) == ("search.scheduler.grace", 1, 2)


def test_a_rung_is_moved_three_times_as_far_at_most() -> None:
    """Otherwise it would stand near the end and stop nothing."""
    (remedy,) = found(rung_sweep(crossing=True, luck=EPOCHS - 2))["stopped_too_early"].remedies
    assert remedy.new == 3


def test_a_rung_that_predicts_or_that_few_passed_is_left_alone() -> None:
    assert "stopped_too_early" not in found(rung_sweep(crossing=False))
    assert "stopped_too_early" not in found(rung_sweep(crossing=True, count=24))


# --- capacity_short ----------------------------------------------------------------------------------------------


def test_small_models_that_level_off_high_raise_the_lower_bound() -> None:
    made = sweep(lambda config: 1.0 if config["width"] < 20 else 0.1, parameters=(LR, WIDTH), count=48, pace=12)
    (remedy,) = found(made)["capacity_short"].remedies
    assert remedy.change == "space.width.low"
    assert 8 <= float(remedy.new or 0) <= 21


def test_small_models_that_reach_as_low_do_not() -> None:
    made = sweep(lambda config: bowl({"lr": config["lr"]}), parameters=(LR, WIDTH), count=48, pace=12)
    assert "capacity_short" not in found(made)


# --- slow_steps, no_progress, mostly_one_symptom -----------------------------------------------------------------


def test_steps_above_half_a_second_are_slow() -> None:
    finding = found(sweep(bowl, seconds=8.0, count=8))["slow_steps"]
    assert finding.evidence["seconds"] == pytest.approx(0.8)
    assert "slow_steps" not in found(sweep(bowl, seconds=4.0, count=8))


def test_waiting_for_data_is_said_where_it_is_most_of_an_epoch_and_worth_while() -> None:
    def waiting(share: float, seconds: float = 1.0) -> dict[str, Finding]:
        made = sweep(bowl, seconds=seconds, count=8)
        waited = [
            replace(t, epochs=tuple(replace(e, data_seconds=share * seconds) for e in t.epochs)) for t in made.trials
        ]
        return found(replace(made, trials=tuple(waited)))

    finding = waiting(0.7)["slow_steps"]
    assert finding.evidence["waiting"] == pytest.approx(0.7)
    assert "waits for its data 70 %" in finding.says
    assert "slow_steps" not in waiting(0.4)
    assert "slow_steps" not in waiting(0.7, seconds=0.1), "a tenth of a second an epoch"


def learning(number: int, rng: np.random.Generator) -> dict[str, float]:
    spread = 2.5 if number < 10 else 0.5
    return {"lr": 10 ** (-2.5 + rng.uniform(-spread, spread)), DROPOUT.name: 0.3}


def test_a_searcher_that_finds_nothing_better_makes_no_progress() -> None:
    rng = np.random.default_rng(5)
    numbers = iter([0.05, *rng.uniform(0.1, 1.0, 47)])
    made = sweep(lambda config: next(numbers), origin="tpe", count=48, noise=0.0)
    assert "no_progress" in found(made)
    assert "no_progress" not in found(replace(made, trials=tuple(replace(t, origin="random") for t in made.trials)))
    assert "no_progress" not in found(sweep(bowl, origin="tpe", count=48, configs=learning))


def test_mostly_one_symptom_counts_the_judged() -> None:
    finding = found(sweep(bowl, verdict=lambda config: "overfitting" if config["lr"] > 1e-3 else "unknown"))
    assert finding["mostly_one_symptom"].evidence["share"] == 1.0
    rare = found(sweep(bowl, verdict=lambda config: "overfitting" if config["lr"] > 0.1 else "healthy"))
    assert "mostly_one_symptom" not in rare


def test_a_bound_moves_where_the_symptom_lies_on_one_side_of_it() -> None:
    made = sweep(bowl, verdict=lambda config: "overfitting" if config[DROPOUT.name] < 0.25 else "healthy", count=60)
    remedy = Remedy(DROPOUT.name, "regularises", "T", 0.1, 0.3)
    (said,) = found(with_remedies(made, remedy))["mostly_one_symptom"].remedies
    assert (said.change, said.old) == ("space.model.mlp.dropout.low", 0.0)
    assert 0.2 < float(said.new or 0) < 0.4
    spread = np.random.default_rng(0)
    even = sweep(bowl, verdict=lambda config: "overfitting" if spread.random() < 0.45 else "healthy", count=60)
    (said,) = found(with_remedies(even, remedy))["mostly_one_symptom"].remedies
    assert said.change == "model.mlp.dropout: higher"


def too_slow(share: float, ceiling: float = 10.0, best: str = "not_learning") -> SweepRecord:
    """So many of the trials learn nothing, wherever they lie; each would be told to try ten times its learning rate."""
    chance = np.random.default_rng(0)
    made = sweep(bowl, verdict=lambda config: "not_learning" if chance.random() < share else "healthy", count=40)

    def told(one: TrialRecord) -> TrialRecord:
        assert one.diagnosis is not None
        if one is made.best:
            one = replace(one, diagnosis=replace(one.diagnosis, verdict=best))
        lr = float(one.config["lr"] or 0)
        remedy = Remedy("lr", "too small a step", "T", lr, min(10 * lr, ceiling))
        findings = tuple(replace(finding, remedies=(remedy,)) for finding in one.diagnosis.findings)
        return replace(one, diagnosis=replace(one.diagnosis, findings=findings))

    return replace(made, trials=tuple(map(told, made.trials)))


def test_a_symptom_everywhere_moves_the_range_as_far_as_the_remedy_leads() -> None:
    said = found(too_slow(1.0))["mostly_one_symptom"].remedies
    assert [(r.change, r.old, r.new) for r in said] == [("space.lr.high", 1.0, 10.0), ("space.lr.low", 1e-5, 0.0032)]
    (said,) = found(too_slow(0.95, best="healthy"))["mostly_one_symptom"].remedies
    assert said.change == "space.lr.high", "where the best one is well, so is its half"
    (said,) = found(too_slow(0.6))["mostly_one_symptom"].remedies
    assert said.change == "lr: higher", "two fifths of the range are well"
    (said,) = found(too_slow(1.0, ceiling=0.0))["mostly_one_symptom"].remedies
    assert said.change != "space.lr.high", "the remedy itself leads no further"


def test_no_range_grows_to_where_trials_diverge() -> None:
    made = too_slow(0.95)
    lost = max(made.trials, key=lambda t: float(t.config["lr"] or 0))
    gone = trial(lost.number, lost.config, np.array([2.9, math.nan]), "diverged")
    trials = tuple(gone if t is lost else t for t in made.trials)
    said = found(replace(made, trials=trials))["mostly_one_symptom"].remedies
    assert [r.change for r in said] == ["lr: higher"]


def test_a_sweep_of_three_trials_says_nothing() -> None:
    assert found(sweep(bowl, verdict=lambda config: "overfitting", count=3)) == {}
