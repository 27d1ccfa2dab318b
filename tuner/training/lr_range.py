"""Trains one configuration for some iterations at rates that are given: the work of a learning-rate range test.

Weights, order of the data and dropout follow from the seed, through generators of its own; only training batches are
looked at, so neither validation nor any trial is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tuner.training.building import build_trainer, choose_device
from tuner.training.data import Splits
from tuner.training.data_source import DataSource
from tuner.training.lr_curve import Watch
from tuner.training.plan import TrainingPlan
from tuner.training.randomness import Randomness
from tuner.training.settings import Part, read_settings
from tuner.training.starting_weights import start_trainer
from tuner.training.task_info import Streamed
from tuner.training.trial_data import TrialData


class RangeTest:
    """One configuration, ready to be trained again and again from its first weights."""

    def __init__(self, plan: TrainingPlan, splits: Splits | Streamed, config: Mapping[str, Any]) -> None:
        """Raises InputError for a configuration that cannot be trained."""
        values = plan.settings(config)
        device = choose_device(plan.gpu)
        torch.set_num_threads(plan.cpu)
        source = DataSource(plan, splits, device)
        # A schedule and a warm-up change the rate; here the rate is what is given.
        self.settings = replace(read_settings(values, plan.model), schedule=Part("constant"), warmup=0.0)
        self.data = source.get(self.settings, values)
        self._folder, self._own, self._device = plan.folder, source.own, device
        self._runs = Path(plan.runs)

    def losses(self, seed: int, rates: Sequence[float]) -> list[float]:
        """The training loss of each iteration before its step, one iteration at each rate; fewer than `rates` where it
        diverged, the last one then being what showed it. Groups of weights keep their rates' proportions."""
        randomness = Randomness(seed, self._device)
        found: list[float] = []
        watch = Watch()
        with randomness.lent():
            trainer = build_trainer(
                replace(self.settings, lr=rates[0]), self.data, self._device, 1, self._folder, self._own
            )
            groups = trainer.optimizer.param_groups
            shares = [group["lr"] / rates[0] for group in groups]
            start_trainer(trainer.model, self.settings, self._folder, self._runs)
            trainer.to_training()
            batches = _endless(self.data, self.settings.batch_size, randomness.data)
            for rate, (x, y) in zip(rates, batches, strict=False):
                for group, share in zip(groups, shares, strict=True):
                    group["lr"] = rate * share
                loss, _ = trainer.train_batch(x, y, randomness.data)
                found.append(float(loss))
                if not watch.goes_on(found[-1]):
                    break
        return found


def _endless(data: TrialData, batch_size: int, generator: torch.Generator) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from data.batches(batch_size, generator)
