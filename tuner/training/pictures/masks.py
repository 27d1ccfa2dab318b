"""Masks that were found beside the true ones: the validation images on which the network is worst, and best.

Where both agree the mask is white; what was found and is not there is red, what is there and was not found is blue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer
from tuner.training.pictures import grid
from tuner.training.scores import SCORES

EACH = 3
"""Images of either end."""


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:  # noqa: ARG001  (of every picture)
    """Of the first channel alone where a mask has several."""
    logits, overlaps = [], []
    for x, y in data.validation():
        found = trainer.outputs(x).float()
        logits.append(found[:, 0].cpu())
        overlaps.append(SCORES["iou"](found, y).cpu())
    found, overlap = torch.cat(logits), torch.cat(overlaps)
    order = overlap.argsort().tolist()
    few = min(EACH, len(order) // 2) or 1
    chosen = list(dict.fromkeys([*order[:few], *reversed(order[-few:])]))
    beside = [f"{'worst' if place < few else 'best'}, IoU {overlap[i]:.2f}" for place, i in enumerate(chosen)]
    rows = [[grid.grey(data.val_x[i]), *compared(found[i] > 0, data.val_y[i, 0].cpu() > 0.5)] for i in chosen]
    title = f"{len(overlap)} validation images, mean IoU {overlap.mean():.3f}; red: too much, blue: missed"
    return [
        grid.write(
            folder / "masks.png", rows, heads=("image", "true mask", "found"), beside=beside, title=title, side=128
        )
    ]


def compared(found: torch.Tensor, true: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two masks [height, width] -> the true one in white, and what was found in colours, as [3, height, width]."""
    both, too_much, missed = found & true, found & ~true, ~found & true
    red, green, blue = both | too_much, both, both | missed
    return true.float().expand(3, -1, -1), torch.stack([red, green, blue]).float()
