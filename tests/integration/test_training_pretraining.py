"""Pre-training an encoder without labels, then classifying with few of them: the two shipped sweeps, one after the
other, on the sample of Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuner

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_pre_trained_encoder_is_better_than_a_random_one(tmp_path: Path) -> None:
    """Both frozen: what the encoder knows is then all that differs."""

    def run(name: str, search: dict[str, Any], space: dict[str, Any], **fixed: Any) -> tuner.Result:
        settings = {"data.dir": str(ROOT / "tests" / "data"), "data.limit": 6000, "search": search, "space": space}
        settings |= {f"fixed.{key}": value for key, value in fixed.items()}
        path = ROOT / "search_spaces" / f"{name}.yaml"
        return tuner.run(path, settings=settings, address="none", runs=tmp_path, track=False)

    search = {"algorithm": "grid", "scheduler": "none", "max_epochs": 4}
    run("autoencoder_pretraining", search, {"lr": {"choice": [0.003]}})
    search = {"algorithm": "grid", "scheduler": "none", "max_epochs": 16}
    space = {"weights": {"choice": ["none", "autoencoder-pretraining"]}}
    result = run("autoencoder_classifier", search, space, frozen="all", lr=0.003)
    values = {trial.config["weights"]: trial.value for trial in result.record.trials}
    assert values["autoencoder-pretraining"] > values["none"] + 0.02, values
