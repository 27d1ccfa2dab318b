"""The findings on noise: `within_noise` between seeds, `winner_is_lucky` on few validation examples."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sweep_records import LR, record, trial

from tuner.diagnosis import diagnose_sweep
from tuner.diagnosis.sweep.winner_is_lucky import optimism
from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import Finding
from tuner.records.seeds import student
from tuner.records.trial import COMPLETED, SweepRecord, TrialRecord


def found(made: SweepRecord) -> dict[str, Finding]:
    return {finding.symptom: finding for finding in diagnose_sweep(made)}


# --- within_noise ------------------------------------------------------------------------------------------------


def over_seeds(values: list[list[float]], weights: list[int] | None = None) -> SweepRecord:
    """Finalists with these values on their further seeds."""
    trials, repeats = [], []
    for number, mine in enumerate(values):
        first = trial(number, {"lr": 0.01 * (number + 1)}, np.array([min(mine)]))
        facts = Facts(n_parameters=weights[number]) if weights else None
        trials.append(replace(first, facts=facts))
        repeats += [
            replace(first, trial=f"{first.trial}-{nth}", value=value, repeat_of=first.trial, ending=COMPLETED)
            for nth, value in enumerate(mine, 2)
        ]
    made = record(trials, (LR,), epochs=1)
    names = tuple(one.trial for one in trials)
    return replace(made, repeats=tuple(repeats), finalists=names, final_seeds=len(values[0]))


def test_means_closer_than_seeds_are_tied_and_the_cheapest_is_named() -> None:
    values = [[0.30, 0.34, 0.32], [0.31, 0.35, 0.33], [0.61, 0.60, 0.62]]
    finding = found(over_seeds(values, [5000, 1000, 10]))["within_noise"]
    assert finding.evidence["tied"] == 2
    assert finding.evidence["behind"] == pytest.approx(0.01)
    # Variances 0.0004, 0.0004 and 0.0001; their median over (1 - 1/9)³, four parts of it to two of its own.
    usual = 0.0004 / (8 / 9) ** 3
    assert finding.evidence["deviation"] == pytest.approx(math.sqrt((4 * usual + 2 * 0.0004) / 6))
    assert finding.remedies[0].change == "take trial 0001"
    assert "1,000 weights against 5,000" in finding.says


def test_means_farther_apart_than_seeds_are_not_tied() -> None:
    assert "within_noise" not in found(over_seeds([[0.30, 0.31, 0.32], [0.40, 0.41, 0.42]]))


def test_the_border_is_students_one_sided_point() -> None:
    variance = (4 * 0.0002 / (7 / 9) ** 3 + 0.0002) / 5  # two seeds each: the error is √(2 · variance / 2)
    behind = student(0.95, 5) * math.sqrt(variance)
    just_in, just_out = behind * 0.99, behind * 1.01
    apart = [[0.30, 0.32], [0.30, 0.32]]
    for shift, tied in ((just_in, True), (just_out, False)):
        made = over_seeds([apart[0], [value + shift for value in apart[1]]])
        assert ("within_noise" in found(made)) == tied


def test_a_noisy_third_one_does_not_tie_the_quiet_ones() -> None:
    values = [[0.189, 0.200, 0.218], [0.240, 0.294, 0.278], [0.293, 0.481, 0.374]]
    assert "within_noise" not in found(over_seeds(values))


def test_without_further_seeds_nothing_is_said_of_seeds() -> None:
    made = over_seeds([[0.3, 0.3], [0.3, 0.3]])
    assert "within_noise" not in found(replace(made, repeats=(), finalists=()))


@pytest.mark.parametrize(("freedom", "expected"), [(1, 6.314), (4, 2.132), (5, 2.015), (10, 1.812), (30, 1.697)])
def test_students_quantiles_are_those_of_the_tables(freedom: int, expected: float) -> None:
    assert student(0.95, freedom) == pytest.approx(expected, abs=0.003)


# --- winner_is_lucky ---------------------------------------------------------------------------------------------


def judged(values: list[float], examples: int) -> SweepRecord:
    """A sweep of one epoch each, by accuracy."""

    def one(number: int, value: float) -> TrialRecord:
        made = trial(number, {"lr": 0.01 * (number + 1)}, np.array([0.5]))
        epochs = (EpochMetrics(1, {"val_accuracy": value}, 1.0),)
        return replace(made, value=value, epochs=epochs, facts=Facts(n_val=examples))

    made = record([one(number, value) for number, value in enumerate(values)], (LR,), epochs=1)
    return replace(made, metric="val_accuracy", mode="max")


@pytest.mark.parametrize(("count", "maximum"), [(5, 1.163), (20, 1.867), (40, 2.161)])
def test_of_equal_contenders_the_optimism_is_nearly_the_expected_maximum(count: int, maximum: float) -> None:
    drawn = [np.sort(np.random.default_rng(seed).standard_normal(count)) for seed in range(100)]
    expected = [result[0] for values in drawn if (result := optimism(values, 1.0)) is not None]
    assert len(expected) > 90
    assert 0.7 * maximum < np.mean(expected) < 1.05 * maximum


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_where_contenders_differ_it_is_what_the_winner_really_owes_to_noise(spread: float) -> None:
    rng = np.random.default_rng(4)
    said, real = [], []
    for _ in range(200):
        truth = spread * rng.standard_normal(20)
        values = truth + rng.standard_normal(20)
        result = optimism(np.sort(values), 1.0)
        if result is not None:
            said.append(result[0])
            real.append(truth[values.argmin()] - values.min())
    assert len(said) > 150
    assert np.mean(said) == pytest.approx(np.mean(real), abs=0.3)


def test_the_best_of_thirty_on_a_hundred_examples_is_lucky_and_on_twenty_thousand_is_not() -> None:
    rng = np.random.default_rng(2)
    for examples, lucky in ((100, True), (20_000, False)):
        values = rng.binomial(examples, 0.9, 30) / examples
        finding = found(judged([float(value) for value in values], examples)).get("winner_is_lucky")
        assert (finding is not None) == lucky
        if finding is not None:
            assert 0.88 < finding.evidence["expected"] < 0.93 < max(values)
            assert finding.remedies[0].change == "search.finalists"


def test_one_far_ahead_of_the_others_is_not_lucky() -> None:
    assert "winner_is_lucky" not in found(judged([0.95, *np.linspace(0.2, 0.4, 20)], 100))


def test_a_loss_is_judged_by_its_noise_between_epochs() -> None:
    rng = np.random.default_rng(3)

    def made(noise: float, examples: int | None) -> SweepRecord:
        trials = [
            replace(
                trial(number, {"lr": 0.01 * (number + 1)}, 0.3 + noise * rng.standard_normal(12)),
                facts=Facts(n_val=examples, baseline_loss=2.3),
            )
            for number in range(20)
        ]
        return record(trials, (LR,), epochs=12)

    finding = found(made(0.1, 100))["winner_is_lucky"]
    assert finding.evidence["expected"] > finding.evidence["optimism"] > 0
    assert "winner_is_lucky" not in found(made(0.003, 100))
    assert "winner_is_lucky" not in found(made(0.1, None))
