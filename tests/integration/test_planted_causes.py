"""The other sweep findings on small sweeps that were really trained, each with its healthy twin.

`test_planted_sweeps.py` has those of the learning rate and of the epochs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from planted_kit import FIXED, rates, trained
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import tuner
from tuner.records.finding import Finding

LR = {"lr": {"float": [3.0e-3, 1.0], "log": True}}


@pytest.mark.slow
def test_large_and_small_batches_need_rates_of_their_own(tmp_path: Path) -> None:
    """Few epochs: with large batches there are few steps, which have to be larger."""
    plain = {"optimizer": {"sgd": {"momentum": 0.0}}}

    def found(folder: str, batches: list[int]) -> dict[str, Finding]:
        space = rates(0.01, 2.0) | {"batch_size": {"choice": batches}}
        return trained(tmp_path / folder, space, epochs=2, trials=56, fixed=plain)

    assert found("planted", [4, 128])["batch_and_lr_coupled"].evidence["slope"] > 0.2
    assert "batch_and_lr_coupled" not in found("healthy", [30, 34])


@pytest.mark.slow
def test_a_weight_decay_too_small_to_matter_is_idle(tmp_path: Path) -> None:
    def found(folder: str, low: float, high: float) -> list[str]:
        space = LR | {"weight_decay": {"float": [low, high], "log": True}}
        findings = trained(tmp_path / folder, space, epochs=2, trials=60, seed=4)
        return [r.change for name, f in findings.items() if name == "parameter_idle" for r in f.remedies]

    assert found("planted", 1e-9, 1e-7) == ["space.weight_decay"]
    assert found("healthy", 1e-4, 1.0) == []


@pytest.mark.slow
def test_small_networks_that_cannot_learn_the_task_are_cut_off(tmp_path: Path) -> None:
    def found(folder: str, low: int, high: int) -> dict[str, Finding]:
        space = rates(0.03, 0.1) | {"width": {"int": [low, high], "log": True}}
        return trained(tmp_path / folder, space, epochs=16, trials=30)

    (remedy,) = found("planted", 1, 64)["capacity_short"].remedies
    assert remedy.change == "space.width.low"
    assert int(remedy.new or 0) >= 2
    assert "capacity_short" not in found("healthy", 32, 128)


@pytest.mark.slow
def test_learning_rates_of_next_to_nothing_are_what_most_trials_have_in_common(tmp_path: Path) -> None:
    finding = trained(tmp_path / "planted", rates(1e-7, 1e-6), epochs=8, trials=12)["mostly_one_symptom"]
    assert "not learning" in finding.says
    change = {remedy.change: remedy for remedy in finding.remedies}
    assert float(change["space.lr.high"].new or 0) >= 5e-6
    steady = FIXED | {"dropout": 0.2}
    healthy = trained(tmp_path / "healthy", rates(0.01, 0.05), epochs=12, trials=12, fixed=steady, limit=1797)
    assert "mostly_one_symptom" not in healthy


@pytest.mark.slow
def test_ranks_at_a_first_epoch_that_is_all_noise_are_seen_to_come_too_early(tmp_path: Path) -> None:
    """Steps so large that each epoch's loss is luck; those of the twin, all too small, are told apart at once."""
    halving = {"scheduler": {"asha": {"grace": 1, "eta": 2}}}
    small = {"batch_size": 4, "width": 16, "depth": 1, "optimizer": {"sgd": {"momentum": 0.9}}}
    noisy = trained(tmp_path / "planted", rates(0.03, 0.033), epochs=5, trials=90, fixed=small, limit=400, **halving)
    assert noisy["stopped_too_early"].remedies[0].change == "search.scheduler.grace"
    clear = trained(tmp_path / "healthy", rates(1e-4, 0.02), epochs=5, trials=90, **halving)
    assert "stopped_too_early" not in clear


@pytest.mark.slow
def test_a_search_that_never_learns_makes_no_progress(tmp_path: Path) -> None:
    """It draws at random to its end, and begins with a trial that is hard to beat by chance."""

    def found(folder: str, startup: int) -> dict[str, Finding]:
        first = {"algorithm": {"tpe": {"startup": startup}}, "enqueue": [{"lr": 0.1}]}
        return trained(tmp_path / folder, rates(1e-6, 1.0), epochs=1, trials=44, seed=5, **first)

    assert "no_progress" in found("planted", startup=44)
    assert "no_progress" not in found("healthy", startup=8)


class Decoded(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Examples that have to be worked out of much more than is needed of them, each time anew."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        raw = np.random.default_rng(index).random(2_500_000)
        features = np.sort(raw)[:: len(raw) // 8][:8].astype(np.float32)
        return torch.from_numpy(features), torch.tensor(index % 2)


@pytest.mark.slow
def test_a_loader_that_training_waits_for_is_named(tmp_path: Path) -> None:
    slow = Decoded()
    ready = TensorDataset(*map(torch.stack, zip(*(slow[i] for i in range(len(slow))), strict=True)))

    def found(folder: str, data: Dataset[tuple[torch.Tensor, torch.Tensor]]) -> dict[str, Finding]:
        def loop(trial: tuner.Trial) -> None:
            model, loader = nn.Linear(8, 2), DataLoader(data, batch_size=4)
            optimizer = torch.optim.SGD(model.parameters(), lr=trial.config["lr"])
            for epoch in range(1, trial.max_epochs + 1):
                total = 0.0
                for x, y in trial.batches(loader):
                    loss = nn.functional.cross_entropy(model(x), y)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item()
                trial.report(epoch, train_loss=total / 2, val_loss=total / 2)

        result = tuner.run(
            loop,
            space=LR,
            trials=3,
            max_epochs=3,
            address="none",
            track=False,
            runs=tmp_path / folder,
            settings={"search.scheduler": "none"},
        )
        assert result.status == "finished"
        return {finding.symptom: finding for finding in result.findings}

    finding = found("planted", slow)["slow_steps"]
    assert finding.evidence["waiting"] > 0.5
    assert "waits for its data" in finding.says
    assert "slow_steps" not in found("healthy", ready)
