"""Sweep findings on small sweeps that were really trained: with the cause planted, and on a healthy twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_kit import ASHA, FIXED, rates, trained


@pytest.mark.slow
def test_learning_rates_that_are_all_too_low_are_seen_at_their_bound(tmp_path: Path) -> None:
    found = trained(tmp_path, rates(1e-6, 1e-3), epochs=6)
    assert found["best_at_boundary"].remedies[0].change == "space.lr.high"


@pytest.mark.slow
def test_half_of_the_learning_rates_diverging_is_capped(tmp_path: Path) -> None:
    found = trained(tmp_path, rates(1e-3, 1e5), epochs=6)
    (remedy,) = found["diverges_above"].remedies
    assert remedy.change == "space.lr.high"
    assert isinstance(remedy.new, float)
    assert 0.1 < remedy.new < 1e4


@pytest.mark.slow
def test_divergence_is_seen_though_the_scheduler_prunes_it_first(tmp_path: Path) -> None:
    """Successive halving ends most of the diverged after one epoch, before there is anything to judge by."""
    pruned = {"scheduler": ASHA, "doomed": True}
    (remedy,) = trained(tmp_path, rates(1e-3, 1e5), epochs=9, trials=24, **pruned)["diverges_above"].remedies
    assert remedy.change == "space.lr.high"
    assert isinstance(remedy.new, float)
    assert 0.1 < remedy.new < 1e4
    assert "diverges_above" not in trained(tmp_path, rates(1e-4, 0.3), epochs=9, trials=24, **pruned)


@pytest.mark.slow
def test_two_epochs_are_seen_to_be_too_few(tmp_path: Path) -> None:
    found = trained(tmp_path, rates(3e-4, 3e-2), epochs=2)
    remedy = found["best_at_last_epoch"].remedies[0]
    assert remedy.change == "search.max_epochs"
    assert int(remedy.new or 0) >= 4


@pytest.mark.slow
def test_the_healthy_twin_has_none_of_them(tmp_path: Path) -> None:
    found = trained(tmp_path, rates(1e-3, 0.5), epochs=40)
    assert {"best_at_boundary", "diverges_above", "best_at_last_epoch"} & set(found) == set()


@pytest.mark.slow
def test_configurations_that_hardly_differ_are_within_noise_and_apart_where_they_do(tmp_path: Path) -> None:
    finals = {"top": 3, "seeds": 3}
    found = trained(tmp_path, rates(0.05, 0.06), epochs=3, trials=3, limit=400, finalists=finals)
    assert found["within_noise"].evidence["tied"] >= 2
    far = {"width": {"choice": [1, 64]}}
    found = trained(tmp_path, far, epochs=3, trials=2, limit=400, algorithm="grid", finalists={"top": 2, "seeds": 3})
    assert "within_noise" not in found


@pytest.mark.slow
def test_the_best_of_many_on_few_validation_examples_is_lucky(tmp_path: Path) -> None:
    """The same network throughout; on a far larger validation split it is not said."""
    alike = {"dropout": {"float": [0.0, 0.02]}}
    fixed = {**FIXED, "lr": 0.05}
    metric = {"name": "val_accuracy", "mode": "max"}
    small = {"fixed": {**fixed, "split": [0.3, 0.1, 0.6]}, "limit": 500}
    found = trained(tmp_path, alike, epochs=4, trials=10, metric=metric, **small)
    evidence = found["winner_is_lucky"].evidence
    assert (evidence["n_val"], evidence["trials"]) == (50, 10)
    assert 0 < evidence["optimism"] < 0.1
    distinct = {"width": {"choice": [1, 2, 3, 64]}}
    large = {"fixed": {**fixed, "split": [0.2, 0.8, 0.0]}, "limit": 1797}
    found = trained(tmp_path, distinct, epochs=4, trials=4, algorithm="grid", metric=metric, **large)
    assert "winner_is_lucky" not in found
