"""What a network looks at: a vision transformer's class token over images, a channel attention's weights as bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional

from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer
from tuner.training.models.attention import channel_weights
from tuner.training.pictures import grid
from tuner.training.pictures.confusion import names

IMAGES = 6
SIDE = 112
BAR, TALL, GAP, HEAD, TEXT = 5, 56, 10, 24, 12


def of_patches(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:
    """Each image beside how much the class token looks at each of its patches: the mean over heads, first layer to
    last, white the largest in its picture."""
    model: Any = trainer.model
    x = data.val_x[:IMAGES]
    looks = model.attention_of(x)[:, :, :, 0, 1:].mean(2).cpu()  # [layers, N, patches]
    looks = looks.unflatten(2, (model.rows, model.columns))
    looks = looks / looks.amax((2, 3), keepdim=True)
    height, width = x.shape[-2:]
    large = functional.interpolate(looks, scale_factor=model.patch, mode="nearest")[:, :, :height, :width]
    rows = [[grid.grey(x[i]), *(grid.coloured(layer[i][None]) for layer in large)] for i in range(len(x))]
    beside: list[str] = []
    if data.task.kind == "classes":
        told = names(task, data.task.num_classes)
        beside = [
            told[y] if y == said else f"{told[y]}, taken for {told[said]}"
            for y, said in zip(data.val_y[:IMAGES].tolist(), trainer.outputs(x).argmax(1).tolist(), strict=True)
        ]
    heads = ("image", *(f"layer {number}" for number in range(1, len(large) + 1)))
    title = "how much the class token looks at each patch, mean over heads"
    return [grid.write(folder / "attention.png", rows, heads=heads, beside=beside, title=title, side=SIDE)]


def of_channels(
    trainer: Trainer,
    data: DeviceData,
    task: Any,  # noqa: ARG001  (of every picture)
    folder: Path,
) -> list[Path]:
    """A row of bars for each attention, a bar for each channel: the mean weight over validation images, with a line
    from the 10th to the 90th percentile. A network without channel attention has no such picture."""
    weights = [layer.float().cpu() for layer in channel_weights(trainer.model, next(iter(data.validation()))[0])]
    if not weights:
        return []
    font = ImageFont.load_default(TEXT)
    title = "weights of the channels, 0 to 1: mean and spread over validation images"
    across = max(max(layer.shape[1] for layer in weights) * BAR + 2 * GAP, round(font.getlength(title)) + 2 * GAP)
    page = Image.new("RGB", (across, HEAD + len(weights) * (TALL + HEAD + GAP)), "white")
    pen = ImageDraw.Draw(page)
    pen.text((GAP, GAP // 2), title, "black", font)
    for number, layer in enumerate(weights):
        bottom = HEAD + number * (TALL + HEAD + GAP) + HEAD + TALL
        pen.text((GAP, bottom - TALL - HEAD + 4), f"attention {number + 1}, {layer.shape[1]} channels", "black", font)
        low, high = torch.quantile(layer, torch.tensor([0.1, 0.9]), dim=0)
        pen.line([(GAP, bottom - TALL), (across - GAP, bottom - TALL)], "#dddddd")
        for channel, mean in enumerate(layer.mean(0).tolist()):
            left = GAP + channel * BAR
            pen.rectangle([(left, bottom - round(mean * TALL)), (left + BAR - 2, bottom)], "#4c72b0")
            top, end = (bottom - round(float(edge[channel]) * TALL) for edge in (high, low))
            pen.line([(left + 1, top), (left + 1, end)], "black")
    path = folder / "channels.png"
    page.save(path)
    return [path]
