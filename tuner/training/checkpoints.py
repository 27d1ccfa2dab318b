"""A trial's checkpoints: `last.pt`, from which it goes on, and `best.safetensors`, the weights of its best epoch.

Each is written aside and renamed, so a reader sees the old one or the new one, never half. `last.pt` holds tensors,
numbers and text alone, so that `torch.load(weights_only=True)` reads it and no foreign code runs.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tuner.training.remote_folder import RemoteFolder
from tuner.training.weights import write_weights

VERSION = 2


class Checkpoints:
    """The folder of one trial."""

    def __init__(self, folder: Path, remote: RemoteFolder | None = None) -> None:
        """`remote`: the same folder on storage, to which all goes that is written here."""
        self._remote = remote
        self.last, self.best = folder / "last.pt", folder / "best.safetensors"
        self.pictures = folder / "pictures"
        """What was drawn of the best one, where anything was."""
        self._made = False

    def write(self, state: Mapping[str, Any]) -> None:
        """All that the next epoch depends on. Of one epoch, `write_best` comes first: a worker that dies between the
        two trains that epoch again, and finds it to be the best again."""
        self._make_folder()
        half = self.last.with_name(f".{self.last.name}.{os.getpid()}")
        try:
            torch.save({"version": VERSION, **state}, half)
            half.replace(self.last)
        except BaseException:
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)
            raise
        self._send(self.last)

    def write_best(self, weights: Mapping[str, Any], header: Mapping[str, str]) -> None:
        """`weights`: of `model.state_dict()`; `header`: what the file says of itself."""
        self._make_folder()
        write_weights(self.best, weights, header)
        self._send(self.best)

    def send_pictures(self) -> None:
        """They have been drawn."""
        if self.pictures.is_dir():
            self._send(self.pictures)

    def read(
        self,
        device: torch.device | str = "cpu",
        *,
        hand_round: Callable[[bytes | None], bytes | None] | None = None,
    ) -> dict[str, Any] | None:
        """The last one; None when there is none, or none that this version can read: then the trial starts again.

        `hand_round` gives every worker of a trial the bytes that its first one has.
        """
        if self._remote is not None:
            self._remote.fetch(self.last.name)
        found = self.last.is_file()
        source: Path | io.BytesIO = self.last
        if hand_round is not None:
            data = hand_round(self.last.read_bytes() if found else None)
            found, source = data is not None, io.BytesIO(data or b"")
        if not found:
            return None
        try:
            state: Any = torch.load(source, map_location=device, weights_only=True)
        except Exception as error:  # of bytes that are no checkpoint, torch's reader may make anything
            self._say_unread(f"{type(error).__name__}: {error}")
            return None
        if not isinstance(state, dict) or state.get("version") != VERSION:
            self._say_unread("it is of another version of tuner")
            return None
        return state

    def _say_unread(self, why: str) -> None:
        print(f"{self.last} cannot be read ({why}): the trial starts again", flush=True)

    def _send(self, path: Path) -> None:
        if self._remote is not None:
            self._remote.send(path.name)

    def _make_folder(self) -> None:
        if not self._made:
            self.last.parent.mkdir(parents=True, exist_ok=True)
            self._made = True
