"""Every part that a sweep file can name: a sweep with it is read, its trainer is built, and one step moves weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from training_kit import digits

from tuner.sweep import sweep_from_mapping
from tuner.training.building import build_trainer
from tuner.training.catalogue import CATALOGUE
from tuner.training.device_data import DeviceCache
from tuner.training.settings import read_settings

SGD = {"optimizer": {"sgd": {"momentum": 0.9}}}
CNN = {"blocks": 1, "width": 4, "head": 8}
PARTS: dict[str, dict[str, Any]] = {
    "plain SGD": {"optimizer": "sgd"},
    "momentum": SGD,
    "Nesterov": {"optimizer": {"sgd": {"momentum": 0.9, "nesterov": True}}},
    "Adagrad": {"optimizer": "adagrad"},
    "RMSProp": {"optimizer": "rmsprop"},
    "Adam": {"optimizer": "adam"},
    "AdamW": {"optimizer": "adamw"},
    "L-BFGS on the whole set": {"optimizer": {"lbfgs": {"max_iter": 3}}, "batch_size": 100_000},
    "constant schedule": {"schedule": "constant"},
    "step schedule": {"schedule": {"step": {"step_size": 2}}},
    "fractional schedule": {"schedule": {"fractional": {"k": 0.5}}},
    "exponential schedule": {"schedule": {"exponential": {"gamma": 0.9}}},
    "cosine": {"schedule": "cosine"},
    "one cycle": {"schedule": "one_cycle"},
    "warm-up": {"schedule": "cosine", "warmup": 1.5},
    "plateau": {"schedule": {"plateau": {"patience": 2}}},
    **{f"{name} initialisation": {"initialisation": name} for name in CATALOGUE.family("initialisation")},
    **{
        f"{name} activation": {"activation": name}
        for name in ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "swish", "maxout")
    },
    **{f"{name} normalisation": {"normalisation": name} for name in ("none", "batch", "layer", "instance", "group")},
    "dropout": {"dropout": 0.5},
    "spatial dropout": {"spatial_dropout": 0.5},
    "weight decay": {"weight_decay": 0.1},
    "L1": {"l1": 0.001},
    "label smoothing": {"label_smoothing": 0.1},
    "early stopping": {"patience": 3},
    "gradient clipping": {"gradient_clip": 1.0},
    "hard-example mining": {"hardest": 0.5},
    "mixup": {"mixup": 0.2},
    **{f"{name} in training": {"augmentation": [name]} for name in CATALOGUE.family("augmentation")},
    "cross-entropy": {"loss": "cross_entropy"},
    "hinge": {"loss": "hinge"},
    "hinge of several classes": {"loss": "multi_margin"},
    **{f"{name} pooling": {"pooling": name} for name in ("max", "average", "stride")},
    "channel attention": {"attention": "channel"},
    "split 60/20/20": {"split": [0.6, 0.2, 0.2]},
    "split 80/10/10": {"split": [0.8, 0.1, 0.1]},
    "inputs as they are": {"standardise": False},
    "mixed precision": {"amp": "bf16"},
}
OF_NUMBERS, OF_MASKS, OF_IMAGES = {"mse", "mae", "msle", "huber"}, {"bce_with_logits", "dice", "dice_bce"}, {"bce"}


@pytest.mark.parametrize("part", list(PARTS))
def test_a_sweep_file_may_name_it_and_a_step_moves_weights(part: str) -> None:
    fixed = {"lr": 0.01, **PARTS[part]}
    space = {"model": {"choice": {"cnn": CNN}}}
    sweep = sweep_from_mapping({"name": "one", "task": "digits", "fixed": fixed, "space": space}, catalogue=CATALOGUE)
    config = sweep.space.sample(np.random.default_rng(0))
    settings = read_settings({**sweep.fixed, **config}, sweep.model)
    data = DeviceCache(digits(), torch.device("cpu")).get(standardise=settings.standardise)
    torch.manual_seed(0)
    trainer = build_trainer(settings, data, torch.device("cpu"), 4)
    before = [weight.detach().clone() for weight in trainer.weights]
    generator = torch.Generator().manual_seed(0)
    trainer.to_training()
    x, y = next(data.batches(settings.batch_size, generator))
    loss, _ = trainer.train_batch(x, y, generator)
    assert torch.isfinite(loss)
    moved = [not torch.equal(was, now) for was, now in zip(before, trainer.weights, strict=True)]
    assert any(moved)
    if part == "zero initialisation":
        assert sum(moved) == 1  # the last layer's biases alone: this is how it shows that it fails


def test_every_loss_is_of_the_list_or_of_a_kind_of_its_own() -> None:
    tried = {str(fixed["loss"]) for fixed in PARTS.values() if "loss" in fixed}
    assert tried | OF_NUMBERS | OF_MASKS | OF_IMAGES == set(CATALOGUE.family("loss"))


@pytest.mark.parametrize(
    ("size", "model", "noted"),
    [
        (4, {"cnn": {"normalisation": "batch"}}, True),
        (8, {"cnn": {"normalisation": "batch"}}, False),
        (4, {"cnn": {"normalisation": "group"}}, False),
        (4, "cnn", False),
        (4, "resnet", True),
    ],
)
def test_batch_normalisation_of_small_batches_is_noted(size: int, model: Any, noted: bool) -> None:
    given = {"name": "one", "task": "digits", "fixed": {"model": model}, "space": {"batch_size": {"int": [size, 64]}}}
    notes = sweep_from_mapping(given, catalogue=CATALOGUE).notes
    assert any("batch normalisation" in note for note in notes) == noted
