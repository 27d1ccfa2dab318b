"""A sample of what a network writes that has learnt which character comes next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuner.training.device_data import DeviceData
from tuner.training.generate import write_text
from tuner.training.loop import Trainer

LENGTH = 800


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:  # noqa: ARG001  (of every picture)
    """As `tuner generate` writes it without options, if a little longer. None of tokens that are no characters."""
    if not data.task.characters:
        return []
    path = folder / "sample.txt"
    path.write_text(write_text(trainer.model, data.task, length=LENGTH), encoding="utf-8")
    return [path]
