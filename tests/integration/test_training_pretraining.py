"""Pre-training an encoder without labels, then classifying with few of them: the two shipped sweeps, one after the
other, on the sample of Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import tuner
from tuner.training.weights import read_weights

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_second_sweep_takes_the_encoder_of_the_first(tmp_path: Path) -> None:
    """Found by the start of the run's name. With the encoder frozen, what the classifier keeps is the autoencoder's."""

    def run(name: str, max_epochs: int, space: dict[str, Any], **fixed: Any) -> tuner.Result:
        search = {"algorithm": "grid", "scheduler": "none", "max_epochs": max_epochs}
        settings = {"data.dir": str(ROOT / "tests" / "data"), "data.limit": 6000, "search": search, "space": space}
        settings |= {f"fixed.{key}": value for key, value in fixed.items()}
        path = ROOT / "search_spaces" / f"{name}.yaml"
        return tuner.run(path, settings=settings, address="none", runs=tmp_path, track=False)

    first = run("autoencoder_pretraining", 1, {"lr": {"choice": [0.003]}})
    space = {"weights": {"choice": ["none", "autoencoder-pretraining"]}}
    second = run("autoencoder_classifier", 8, space, frozen="all", lr=0.003)
    assert first.best is not None
    source = read_weights(first.directory.path / "checkpoints" / first.best.trial / "best.safetensors")
    for trial in second.record.trials:
        kept = read_weights(second.directory.path / "checkpoints" / trial.trial / "best.safetensors")
        same = torch.equal(kept["encoder.0.weight"], source["encoder.0.weight"])
        assert same is (trial.config["weights"] != "none")
        assert trial.value is not None
        assert trial.value > 0.3  # a class by chance: 0.1
