"""What is drawn of a trained network on validation examples, for people who look rather than read.

A function `(trainer, data, task, folder) -> [paths]` draws one kind of picture; the tables below say which task has
which. A worker draws when a trial has come to its end and is its best so far, so torch and the data are there already.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tuner.training.device_data import DeviceData
from tuner.training.locate import locate
from tuner.training.loop import Trainer

Draw = Callable[[Trainer, DeviceData, Any, Path], list[Path]]

BY_KIND = {
    "classes": ("tuner.training.pictures.confusion:draw",),
    "itself": ("tuner.training.pictures.reconstructions:draw",),
    "mask": ("tuner.training.pictures.masks:draw",),
    "values": ("tuner.training.pictures.fit:draw",),
    "tokens": ("tuner.training.pictures.text:draw",),
}
"""Kind of target -> what is drawn."""
BY_TASK: dict[str, tuple[str, ...]] = {}
"""A task of the catalogue -> what is drawn besides."""
BY_MODEL: dict[str, tuple[str, ...]] = {
    "cnn": ("tuner.training.pictures.attention:of_channels",),
    "resnet": ("tuner.training.pictures.attention:of_channels",),
    "variational_autoencoder": ("tuner.training.pictures.samples:draw",),
    "vit": ("tuner.training.pictures.attention:of_patches",),
}
"""A model of the catalogue -> what is drawn besides."""


def draw(trainer: Trainer, data: DeviceData, task: Any, model: str, folder: Path) -> list[Path]:
    """All pictures of one trained network, in `folder`. `task`: as `training.data.find_task` gives it; one of the
    user's own may draw too, with `pictures(model, folder)`."""
    wheres = BY_KIND.get(data.task.kind, ()) + BY_TASK.get(data.task.name, ()) + BY_MODEL.get(model, ())
    own = getattr(getattr(task, "made", task), "pictures", None)
    if not wheres and not callable(own):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    trainer.model.eval()
    found: list[Path] = []
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for where in wheres:
            function: Draw = locate(where)
            found += function(trainer, data, task, folder)
        if callable(own):
            own(trainer.model, folder)
            found = sorted(folder.iterdir())
    return found
