"""What a variational autoencoder makes of codes that belong to no example: draws from N(0, I)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer
from tuner.training.models.variational import VariationalAutoencoder
from tuner.training.pictures import grid

ROWS, COLUMNS = 6, 12


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:  # noqa: ARG001  (of every picture)
    model = trainer.model
    if not isinstance(model, VariationalAutoencoder) or len(data.task.input_shape) != 3:
        return []
    codes = torch.randn(ROWS * COLUMNS, model.code, generator=torch.Generator().manual_seed(0))
    made = model.sample(codes.to(data.device)).float()
    low, high = float(data.val_x.min()), float(data.val_x.max())
    images = [grid.coloured((image - low) / (high - low or 1.0)) for image in made]
    rows = [images[start : start + COLUMNS] for start in range(0, len(images), COLUMNS)]
    title = f"made of codes drawn from N(0, I), {model.code} numbers each"
    return [grid.write(folder / "samples.png", rows, title=title, side=56)]
