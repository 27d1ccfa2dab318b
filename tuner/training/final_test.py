"""One trained network on the validation and the test examples: what `tuner run --final-test` looks at, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuner.errors import Fault, InputError
from tuner.training.building import build_trainer
from tuner.training.data import Splits, load_splits, load_test
from tuner.training.data_source import DataSource
from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer
from tuner.training.model_record import read_record
from tuner.training.plan import TrainingPlan
from tuner.training.scores import Score
from tuner.training.settings import read_settings
from tuner.training.weights import read_weights


@dataclass(frozen=True, slots=True)
class Judged:
    """Loss and metrics on one split by name (`loss`, `accuracy`), and the standard errors of these means."""

    values: Mapping[str, float]
    errors: Mapping[str, float]
    """Infinite where a metric is no mean over examples."""
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
    if not len(test_x):
        raise no_test_split(plan)
    splits = load_splits(plan)
    assert isinstance(splits, Splits)  # what has a test split to load
    values = plan.settings(config)
    settings = read_settings(values, plan.model)
    device = torch.device("cuda" if plan.gpu > 0 and torch.cuda.is_available() else "cpu")
    source = DataSource(plan, splits, device)
    data = source.get(settings, values)
    assert isinstance(data, DeviceData)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trainer = build_trainer(settings, data, device, plan.max_epochs, plan.folder, source.own)
    record = read_record(checkpoint)
    trainer.model.load_state_dict(read_weights(checkpoint))
    x = torch.from_numpy(splits.inputs(test_x, standardise=settings.standardise)).to(device)
    y = x if test_y is None else torch.from_numpy(test_y).to(device)
    if data.scale is not None:
        y = data.scale.scale(y)
    return Tested(record.epoch, _judged(trainer, data, data.val_x, data.val_y), _judged(trainer, data, x, y))


def count_test(plan: TrainingPlan) -> int:
    """How many test examples the plan's data has. Raises InputError where it has none, or cannot be loaded."""
    x, _ = load_test(plan)
    if not len(x):
        raise no_test_split(plan)
    return len(x)


def no_test_split(plan: TrainingPlan) -> InputError:
    cure = "the third share is that of the test split: write one, as in [0.8, 0.1, 0.1], or leave --final-test out"
    return InputError("there are no test examples", (Fault("fixed.split", plan.fixed.get("split"), cure),))


def _judged(trainer: Trainer, data: DeviceData, x: torch.Tensor, y: torch.Tensor) -> Judged:
    trainer.model.eval()
    trainer.scores.start()
    losses: list[torch.Tensor] = []
    scored: list[Mapping[str, torch.Tensor]] = []
    with torch.no_grad():
        for batch_x, batch_y in data.in_order(x, y):
            each, outputs, targets = trainer.judge_each(batch_x, batch_y)
            losses.append(each)
            if outputs is not None and targets is not None:  # outputs of tokens are large, and are not kept
                trainer.scores.add(outputs, targets)
                scored.append(trainer.scores.each(outputs, targets))
    each = torch.cat(losses).double()
    values, errors = {"loss": float(each.mean())}, {"loss": Score(lambda a, _: a).error(each)}
    if scored:
        values |= {name: float(value) for name, value in trainer.scores.found().items()}
        errors |= trainer.scores.errors(scored)
    return Judged(values, errors, len(each))
