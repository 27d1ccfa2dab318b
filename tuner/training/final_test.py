"""One trained network on the validation and the test examples: what `tuner run --final-test` looks at, once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tuner.errors import Fault, InputError
from tuner.training.building import build_trainer
from tuner.training.checkpoints import VERSION
from tuner.training.data import Floats, Labels, load_splits, load_test, raw
from tuner.training.device_data import DeviceCache
from tuner.training.loop import Trainer
from tuner.training.plan import TrainingPlan
from tuner.training.settings import read_settings

BATCH = 256


@dataclass(frozen=True, slots=True)
class Judged:
    """Loss and accuracy on one split, with the standard errors of these means over its examples."""

    loss: float
    accuracy: float
    loss_error: float
    accuracy_error: float
    count: int


@dataclass(frozen=True, slots=True)
class Tested:
    """The same weights on both splits."""

    epoch: int
    validation: Judged
    test: Judged


def test_checkpoint(plan: TrainingPlan, checkpoint: Path, config: Mapping[str, Any]) -> Tested:
    """Evaluate the weights of `checkpoint`, which trained `config`.

    Raises InputError for data without a test split and for a checkpoint that this version cannot read.
    """
    test_x, test_y = load_test(plan)
    if not len(test_y):
        raise no_test_split(plan)
    splits = load_splits(plan)
    settings = read_settings(plan.settings(config), plan.model)
    device = torch.device("cuda" if plan.gpu > 0 and torch.cuda.is_available() else "cpu")
    data = DeviceCache(splits, device).get(standardise=settings.standardise)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trainer = build_trainer(settings, data, device, plan.max_epochs, plan.folder)
    state = torch.load(checkpoint, map_location=device, weights_only=True)
    if state.get("version") != VERSION:
        cure = "was written by another version of tuner: use that one"
        raise InputError("a checkpoint that cannot be read", (Fault(str(checkpoint), state.get("version"), cure),))
    trainer.model.load_state_dict(state["model"])
    if not settings.standardise:
        test_x = raw(test_x, splits)
    validation = _judged(trainer, data.val_x, data.val_y)
    test = _judged(trainer, torch.from_numpy(test_x).to(device), torch.from_numpy(test_y).to(device))
    return Tested(int(state["epoch"]), validation, test)


def count_test(plan: TrainingPlan) -> int:
    """How many test examples the plan's data has. Raises InputError where it has none, or cannot be loaded."""
    examples: tuple[Floats, Labels] = load_test(plan)
    if not len(examples[1]):
        raise no_test_split(plan)
    return len(examples[1])


def no_test_split(plan: TrainingPlan) -> InputError:
    cure = "the third share is that of the test split: write one, as in [0.8, 0.1, 0.1], or leave --final-test out"
    return InputError("there are no test examples", (Fault("fixed.split", plan.fixed.get("split"), cure),))


def _judged(trainer: Trainer, x: torch.Tensor, y: torch.Tensor) -> Judged:
    trainer.model.eval()
    losses: list[torch.Tensor] = []
    right: list[torch.Tensor] = []
    with torch.no_grad():
        for start in range(0, len(y), BATCH):
            labels = y[start : start + BATCH]
            outputs = trainer.outputs(x[start : start + BATCH].clone())
            # One by one: each loss is a mean over its batch, and the spread over the examples is asked for.
            plain = trainer.objective.plain
            losses += [plain(outputs[i : i + 1], labels[i : i + 1]).float() for i in range(len(labels))]
            right.append((outputs.argmax(1) == labels).double())
    each, hits = torch.stack(losses).double().cpu().numpy(), torch.cat(right).cpu().numpy()
    return Judged(float(each.mean()), float(hits.mean()), _error(each), _error(hits), len(each))


def _error(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf
