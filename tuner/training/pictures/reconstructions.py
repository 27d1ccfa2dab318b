"""Validation images over what an autoencoder makes of them; one that is trained on noise is shown noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tuner.training.augmentation import noise
from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer
from tuner.training.pictures import grid

SHOWN = 12


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:  # noqa: ARG001  (of every picture)
    """Nothing of a task whose examples are no images. All images of a picture are on one scale of brightness."""
    if len(data.task.input_shape) != 3:
        return []
    x = data.val_x[:SHOWN].clone()
    low, high = (0.0, 1.0) if x.min() >= 0 and x.max() <= 1 else (float(x.min()), float(x.max()))
    made = trainer.outputs(x).float()
    rmse = float((made - x).square().mean().sqrt())
    shown, beside = [x, made], ["original", "made again"]
    if noise in trainer.augmentation.ways:
        noisy = noise(x, torch.Generator().manual_seed(0), trainer.augmentation.strength)
        cleaned = trainer.outputs(noisy).float()
        error = float((cleaned - x).square().mean().sqrt())
        shown, beside = [x, made, noisy, cleaned], [*beside, "with noise", "made of that"]
        title = f"validation images, RMSE of these {rmse:.4g}, with noise {error:.4g}"
    else:
        title = f"validation images, RMSE of these {rmse:.4g}"
    rows = [[grid.coloured((image - low) / (high - low or 1.0)) for image in images] for images in shown]
    return [grid.write(folder / "reconstructions.png", rows, beside=beside, title=title, side=56)]
