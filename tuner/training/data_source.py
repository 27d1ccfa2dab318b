"""Gives each trial of a worker its data, in the form that its settings ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tuner.training.data import Splits, find_task
from tuner.training.device_data import DeviceCache, room_on
from tuner.training.loader_data import LoaderData
from tuner.training.own_task import OwnTask
from tuner.training.plan import TrainingPlan
from tuner.training.settings import Settings
from tuner.training.task_info import Streamed
from tuner.training.trial_data import TrialData


class DataSource:
    """Of one worker. What lies on its device is put there once; a Dataset or a DataLoader of the user's own is opened
    for each trial, since it may depend on the trial's settings."""

    def __init__(self, plan: TrainingPlan, splits: Splits | Streamed, device: torch.device) -> None:
        self.device = device
        self.task = find_task(str(plan.task), plan.folder, plan.fixed)
        self.own = self.task if isinstance(self.task, OwnTask) else None
        """The user's task, where it says more than its examples: a loss, metrics, a step."""
        self._splits = splits
        room = room_on(device, plan.gpu)
        self._cache = DeviceCache(splits, device, room) if isinstance(splits, Splits) else None
        self._processes = plan.data_processes

    def get(self, settings: Settings, values: Mapping[str, Any]) -> TrialData:
        """`values`: all of the trial's settings by recorded name. Raises InputError for a form that this data cannot
        have."""
        if self._cache is not None:
            return self._cache.get(standardise=settings.standardise, targets=settings.targets)
        assert self.own is not None
        assert isinstance(self._splits, Streamed)
        return LoaderData(self.own, self._splits, self.device, settings, values, processes=self._processes)
