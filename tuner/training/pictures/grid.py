"""Rows of small images with words beside them, as one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

GAP, HEAD = 4, 20
TEXT = 12
"""Size of letters, pixels."""


def grey(image: torch.Tensor) -> torch.Tensor:
    """[channels, height, width] of any scale -> [3, height, width] from 0 to 1: black is the darkest in a hundred
    pixels, white the brightest."""
    image = image.detach().float().cpu()
    low, high = torch.quantile(image.flatten(), torch.tensor([0.01, 0.995])).tolist()
    return coloured((image - low) / (high - low if high > low else 1.0))


def coloured(image: torch.Tensor) -> torch.Tensor:
    """[1 or 3, height, width] from 0 to 1, what is outside cut off -> [3, height, width]; of other numbers of
    channels the first."""
    image = image.detach().float().cpu().clamp(0, 1)
    return image if len(image) == 3 else image[:1].expand(3, -1, -1)


def write(
    path: Path,
    rows: Sequence[Sequence[torch.Tensor]],
    *,
    heads: Sequence[str] = (),
    beside: Sequence[str] = (),
    title: str = "",
    side: int = 96,
) -> Path:
    """`rows` of images [3, height, width], all of one size, each drawn some `side` pixels wide in whole multiples;
    `heads` above the columns, `beside` at the left of each row."""
    _, height, width = rows[0][0].shape
    factor = max(1, round(side / width))
    height, width = height * factor, width * factor
    font = ImageFont.load_default(TEXT)
    margin = max([0, *(round(font.getlength(told)) + 2 * GAP for told in beside)])
    top = (HEAD if title else 0) + (HEAD if heads else 0) + GAP
    columns = max(len(row) for row in rows)
    across = max(margin + columns * (width + GAP) + GAP, round(font.getlength(title)) + 2 * GAP)
    page = Image.new("RGB", (across, top + len(rows) * (height + GAP)), "white")
    pen = ImageDraw.Draw(page)
    pen.text((GAP, GAP), title, "black", font)
    for column, told in enumerate(heads):
        pen.text((margin + GAP + column * (width + GAP), top - HEAD), told, "black", font)
    for number, row in enumerate(rows):
        y = top + number * (height + GAP)
        if number < len(beside):
            pen.text((GAP, y + height // 2 - TEXT // 2), beside[number], "black", font)
        for column, image in enumerate(row):
            pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
            page.paste(
                Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST),
                (margin + GAP + column * (width + GAP), y),
            )
    page.save(path)
    return path
