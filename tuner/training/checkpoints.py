"""A trial's checkpoints: `last.pt` after an epoch, `best.pt` of the best one. Written aside and renamed, never half.

They hold tensors, numbers and text alone, so that `torch.load(weights_only=True)` reads them and no foreign code runs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch

VERSION = 1


class Checkpoints:
    """The folder of one trial."""

    def __init__(self, folder: Path) -> None:
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self._made = False

    def write(self, state: dict[str, Any], *, best: bool) -> None:
        if not self._made:
            self.last.parent.mkdir(parents=True, exist_ok=True)
            self._made = True
        half = _aside(self.last)
        torch.save({"version": VERSION, **state}, half)
        half.replace(self.last)
        if best:
            half = _aside(self.best)
            half.unlink(missing_ok=True)
            try:
                os.link(self.last, half)  # `last` is replaced, never rewritten, so this keeps what it holds now
            except OSError:  # a file system without hard links
                shutil.copyfile(self.last, half)
            half.replace(self.best)

    def read(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """The last one; None when there is none, or none that this version can read: then the trial starts again."""
        if not self.last.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.last, map_location=device, weights_only=True)
        except Exception as error:  # of bytes that are no checkpoint, torch's reader may make anything
            print(f"{self.last} cannot be read ({type(error).__name__}: {error}): the trial starts again")
            return None
        return state if state.get("version") == VERSION else None


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
