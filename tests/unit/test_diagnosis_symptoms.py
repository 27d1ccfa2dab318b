"""What each symptom says of a curve that anybody would name so, and of its healthy neighbour."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from types import ModuleType

import numpy as np
import pytest
from diagnosis_histories import falling, make, noisy

from tuner.diagnosis import diagnose, doomed
from tuner.diagnosis.case import Case
from tuner.diagnosis.symptoms import bad_initialisation, not_learning
from tuner.records.finding import Diagnosis
from tuner.records.history import History
from tuner.training.catalogue import CATALOGUE

EPOCHS = 40
TRAIN = falling(EPOCHS, 2.0, 0.2, 8)


def rise(count: int, since: int, slope: float) -> np.ndarray:
    return slope * np.maximum(np.arange(count) - since, 0)


def one(history: History) -> Diagnosis:
    return diagnose([history])[0]


HEALTHY = make(
    noisy(falling(EPOCHS, 2.0, 0.30, 8), 0.01), noisy(falling(EPOCHS, 2.0, 0.36, 8), 0.02, 1), baseline_loss=2.3
)


def test_a_healthy_curve_is_healthy() -> None:
    assert one(HEALTHY).verdict == "healthy"


def test_overfitting_is_said_with_its_numbers() -> None:
    val = falling(EPOCHS, 2.0, 0.36, 14) + rise(EPOCHS, 9, 0.02)
    config = {"lr": 0.1, "model": "mlp", "model.mlp.dropout": 0.1}
    diagnosis = one(make(falling(EPOCHS, 2.0, 0.05, 6), val, config=config))
    finding = diagnosis.findings[0]
    assert diagnosis.verdict == "overfitting"
    assert finding.confidence > 0.9
    assert finding.since_epoch in range(9, 14)
    rising = 100 * finding.evidence["val_rise"]
    assert finding.says.startswith(f"validation loss has risen {rising:.0f} % since epoch {finding.since_epoch} while")
    dropout = next(remedy for remedy in finding.remedies if remedy.change == "model.mlp.dropout")
    assert (dropout.old, dropout.new) == (0.1, 0.3)


def test_noise_alone_is_not_overfitting() -> None:
    called = [
        one(make(noisy(TRAIN, 0.01, seed), noisy(falling(EPOCHS, 2.0, 0.36, 8), 0.05, seed + 100))).verdict
        for seed in range(200)
    ]
    assert called.count("overfitting") <= 2


def test_memorisation_is_a_level_validation_under_a_falling_training_loss() -> None:
    diagnosis = one(make(falling(60, 2.0, 0.02, 5), noisy(falling(60, 2.0, 0.9, 25), 0.005)))
    assert diagnosis.verdict == "memorisation"


def test_underfitting_levels_off_near_the_baseline() -> None:
    diagnosis = one(make(falling(EPOCHS, 2.3, 1.8, 12), falling(EPOCHS, 2.3, 1.82, 12), num_classes=10))
    assert diagnosis.verdict == "underfitting"
    assert "1.8" in diagnosis.findings[0].says


def test_undertrained_says_how_many_epochs_more() -> None:
    diagnosis = one(make(falling(20, 2.3, 0.3, 1.2), falling(20, 2.3, 0.4, 1.2), num_classes=10, max_epochs=20))
    finding = diagnosis.findings[0]
    assert diagnosis.verdict == "undertrained"
    assert finding.remedies[0].change == "max_epochs"
    assert finding.remedies[0].old == 20
    assert finding.remedies[0].new == 20 + round(finding.evidence["more_epochs"])


def test_diverged_by_size_and_by_nan() -> None:
    far = one(make([2.3, 2.0, 30.0, 200.0, 500.0, 800.0], num_classes=10, config={"lr": 0.5}))
    assert far.verdict == "diverged"
    assert (far.findings[0].remedies[0].old, far.findings[0].remedies[0].new) == (0.5, 0.05)
    assert one(make([2.3, 2.0, math.nan])).findings[0].since_epoch == 3
    assert one(make([2.3, 2.0, 1.5], [2.3, math.inf, math.inf])).verdict == "diverged"


def test_nothing_else_is_said_beside_diverged() -> None:
    assert [finding.symptom for finding in one(make([2.3, 1.0, 1.5, math.nan], [2.3, 1, 2, 3])).findings] == [
        "diverged"
    ]


def test_not_learning_stays_at_the_constant_predictor() -> None:
    train = noisy(np.full(20, math.log(10)), 0.002)
    assert one(make(train, train, num_classes=10)).verdict == "not_learning"
    assert one(make(train, train, initial_loss=2.31)).verdict == "not_learning"


@pytest.mark.parametrize(
    ("first", "new", "because"), [(55.5, 0.083, "threw the network"), (2.3, 1.0, "too small to see")]
)
def test_a_network_that_its_first_steps_threw_gets_smaller_ones(first: float, new: float, because: str) -> None:
    """A loss of 55 in the first epoch and the constant predictor's ever after: such a trial was told lr × 10."""
    train = [first, 2.42, 2.36, 2.33, 2.32, 2.32]
    found = one(make(train, train, initial_loss=2.29, num_classes=10, config={"lr": 0.83})).findings[0]
    assert found.symptom == "not_learning"
    assert (found.remedies[0].change, found.remedies[0].new) == ("lr", new)
    assert because in found.remedies[0].because


def test_unstable_rises_jumps_or_spikes() -> None:
    fell = falling(EPOCHS, 2.0, 0.3, 10)
    assert one(make(fell + rise(EPOCHS, 15, 0.04))).verdict == "unstable"
    assert one(make(fell + 0.3 * np.resize([0, 1], EPOCHS))).verdict == "unstable"
    spikes = fell.copy()
    spikes[[12, 19, 25, 33]] += 0.8
    assert one(make(spikes)).verdict == "unstable"


def test_a_gap_is_not_a_nan() -> None:
    every_third = [value if epoch % 3 == 0 else None for epoch, value in enumerate(HEALTHY.curves["val_loss"])]
    assert one(make(HEALTHY.curves["train_loss"], every_third)).verdict == "healthy"
    broken = one(make([*TRAIN, None, None, None], gaps_unknown=True))
    assert broken.verdict == "unknown"
    assert "3 epochs" in broken.note


def test_short_curves_say_how_many_epochs_are_missing() -> None:
    diagnosis = one(make([2.0, 1.5, 1.2], [2.0, 1.6, 1.4]))
    assert diagnosis.verdict == "unknown"
    assert "2 epochs more" in diagnosis.note


def test_ten_points_are_judged_in_their_own_way() -> None:
    train = [1.2, 0.8, 0.6, 0.45, 0.35, 0.27, 0.2, 0.15, 0.11, 0.08]
    assert one(make(train, [1.1, 0.85, 0.74, 0.7, 0.72, 0.78, 0.86, 0.95, 1.02, 1.1])).verdict == "overfitting"
    assert one(make(train, [1.1, 0.85, 0.72, 0.64, 0.6, 0.57, 0.58, 0.56, 0.57, 0.56])).verdict != "overfitting"


def test_a_sanity_check_logged_as_epoch_zero_is_the_initial_loss() -> None:
    train = noisy(np.full(21, 2.3), 0.002)
    assert one(make(train, epoch=np.arange(21))).verdict == "not_learning"


def test_an_enormous_start_is_not_doomed_when_it_falls() -> None:
    assert doomed(make([5e4, 8e3, 900.0, 120.0, 14.0, 3.0], baseline_loss=2.3, max_epochs=50)) is None


def test_doomed_names_what_is_surely_lost() -> None:
    far = doomed(make([2.3, 2.25, 40.0, 900.0, 5000.0, 5000.0, 5500.0], baseline_loss=2.3, max_epochs=50))
    assert far is not None
    assert far.symptom == "diverged"
    dead = make(np.full(30, 2.3026), baseline_loss=2.3026, max_epochs=50)
    found = doomed(dead)
    assert found is not None
    assert found.symptom == "not_learning"
    lost = make(falling(30, 2.3, 0.1), 2.25 + rise(30, 2, 0.1), baseline_loss=2.3, max_epochs=50)
    found = doomed(lost)
    assert found is not None
    assert found.symptom == "overfitting"


@pytest.mark.parametrize("count", [9, 24])
def test_a_long_plateau_at_the_start_is_not_doomed(count: int) -> None:
    """Autoencoders may sit at the mean for a third of their epochs and win all the same."""
    assert doomed(make(np.full(count, 2.3026), baseline_loss=2.3026, max_epochs=50)) is None


def test_a_diverged_trial_whose_best_epoch_is_worth_something_is_left_to_the_scheduler() -> None:
    assert doomed(make([2.3, 1.1, 40.0, 900.0, 5000.0, 5000.0, 5500.0], baseline_loss=2.3, max_epochs=50)) is None


def test_a_trial_on_its_way_back_is_not_doomed() -> None:
    """A TaskSet run that ended among the best of its task was at thirty times the start in its third epoch."""
    assert doomed(make([23.3, 19.7, 14.0, 11.6, 10.0, 7.9, 6.4, 5.0], baseline_loss=0.69, max_epochs=50)) is None


def test_overfitting_trials_with_a_good_best_epoch_are_not_doomed() -> None:
    val = falling(60, 2.3, 0.3, 30) + rise(60, 8, 0.08)
    assert doomed(make(falling(60, 2.3, 0.01), val, baseline_loss=2.3, max_epochs=60)) is None


def test_ten_thousand_curves_take_seconds() -> None:
    """Two seconds on a free core; six here, where others share it."""
    rng = np.random.default_rng(0)
    batch = [
        make(
            noisy(falling(100, 2.3, 0.2), 0.01),
            rng.random(100) * 0.05 + falling(100, 2.3, 0.4, 9) + rise(100, 20, 0.01 * (i % 2)),
        )
        for i in range(10_000)
    ]
    began = time.process_time()
    verdicts = {diagnosis.verdict for diagnosis in diagnose(batch)}
    assert time.process_time() - began < 6
    assert verdicts >= {"overfitting", "healthy"}


def test_doomed_is_cheap() -> None:
    history = make(falling(300, 2.3, 0.2), falling(300, 2.3, 0.4), baseline_loss=2.3, max_epochs=400)
    began = time.process_time()
    for _ in range(200):
        doomed(history)
    assert (time.process_time() - began) / 200 < 0.002


def test_remedies_are_changes_of_the_sweep_s_own_parameters() -> None:
    val = falling(EPOCHS, 2.0, 0.36, 14) + rise(EPOCHS, 9, 0.02)
    config = {"lr": 0.1, "patience": 40, "augmentation": "flip", "augmentation_strength": 1.0, "model.mlp.width": 64}
    finding = one(make(falling(EPOCHS, 2.0, 0.05, 6), val, config=config)).findings[0]
    changes = {remedy.change: (remedy.old, remedy.new) for remedy in finding.remedies if remedy.new is not None}
    last, best = finding.evidence["last_epoch"], finding.evidence["best_epoch"]
    assert changes["patience"] == (40, (last - best) // 2)
    assert changes["augmentation_strength"] == (1.0, 1.5)
    assert changes["model.mlp.width"] == (64, 32)
    assert changes["lr"] == (0.1, 0.03)


def test_augmentation_that_is_not_used_has_no_strength_to_change() -> None:
    val = falling(EPOCHS, 2.0, 0.36, 14) + rise(EPOCHS, 9, 0.02)
    for config in ({"augmentation": "", "augmentation_strength": 1.0}, {"augmentation_strength": 1.0}, {}):
        finding = one(make(falling(EPOCHS, 2.0, 0.05, 6), val, config=config)).findings[0]
        assert "augmentation" in [remedy.change for remedy in finding.remedies if remedy.new is None]


@pytest.mark.parametrize("symptom", [bad_initialisation, not_learning])
def test_a_remedy_names_words_that_a_sweep_file_knows(symptom: ModuleType) -> None:
    """`initialisation: kaiming` was proposed, which the catalogue calls he."""
    case = Case(History("0000", {}, config={"initialisation": "small_normal"}), defaultdict(float))
    (remedy,) = [remedy for remedy in symptom.remedies(case) if remedy.change == "initialisation"]
    assert remedy.new in CATALOGUE.family("initialisation")


def test_numbers_far_from_zero_are_standardised_before_weights_are_blamed() -> None:
    first, *_ = bad_initialisation.remedies(Case(History("0000", {}, config={"targets": "raw"}), {}))
    assert (first.change, first.new) == ("targets", "standardised")
