"""Which classes are taken for which: a table of validation examples, true class by row, predicted by column."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import torch

from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer

CELL, MARGIN = 34, 96
MOST = 30
"""Classes; a larger table nobody reads."""


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:
    classes = data.task.num_classes
    if classes > MOST:
        return []
    path = folder / "confusion_matrix.svg"
    path.write_text(table(counted(trainer, data), names(task, classes)), encoding="utf-8")
    return [path]


def counted(trainer: Trainer, data: DeviceData) -> list[list[int]]:
    """[true][predicted] over the validation split."""
    classes = data.task.num_classes
    found = torch.zeros(classes * classes, dtype=torch.long, device=data.device)
    for x, y in data.validation():
        predicted = trainer.outputs(x).argmax(1)
        found += torch.bincount(y * classes + predicted, minlength=classes * classes)
    rows: list[list[int]] = found.view(classes, classes).tolist()
    return rows


def names(task: Any, classes: int) -> list[str]:
    told = [str(name) for name in getattr(task, "classes", ())]
    return told if len(told) == classes else [str(number) for number in range(classes)]


def table(counts: list[list[int]], labels: list[str]) -> str:
    """SVG. A cell is the darker the larger its share of its row; the number stands in it."""
    side = CELL * len(labels)
    right, total = sum(counts[i][i] for i in range(len(counts))), sum(map(sum, counts))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {MARGIN + side + 8} {MARGIN + side + 28}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="4" y="14">{right} of {total} validation examples '
        "right; rows: true, columns: predicted</text>",
    ]
    for place, label in enumerate(labels):
        middle = MARGIN + CELL * place + CELL / 2
        short = escape(label if len(label) <= 14 else label[:13] + "…")
        parts.append(f'<text x="{MARGIN - 6}" y="{middle + 4}" text-anchor="end">{short}</text>')
        parts.append(f'<text transform="translate({middle + 4},{MARGIN - 6}) rotate(-60)">{short}</text>')
    for i, row in enumerate(counts):
        whole = sum(row)
        for j, count in enumerate(row):
            share = count / whole if whole else 0.0
            light = round(255 - 190 * share**0.5)  # the root lets rare mistakes be seen
            fill = f"rgb({light},{light},255)" if i == j else f"rgb(255,{light},{light})"
            x, y = MARGIN + CELL * j, MARGIN + CELL * i
            parts.append(f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" fill="{fill}"/>')
            if count:
                ink = "#fff" if light < 140 else "#000"
                where = f'x="{x + CELL / 2}" y="{y + CELL / 2 + 4}" text-anchor="middle"'
                parts.append(f'<text {where} fill="{ink}">{count}</text>')
    return "".join(parts) + "</svg>"
