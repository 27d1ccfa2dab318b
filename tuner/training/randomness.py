"""Torch's global generator, lent to one trial at a time.

Layers draw their first weights and their dropout from it and take no other. So each trial keeps its own state of it,
which is in place only while the trial computes: trials in one process do not disturb each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Randomness:
    """All random states of a trial: of the layers, and of the order and augmentation of its data."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self.data = torch.Generator().manual_seed(_mixed(seed, 1))
        """For the order of the examples and for augmentation; on the CPU whatever the device."""
        self._layers = torch.Generator().manual_seed(_mixed(seed, 0)).get_state()
        self._layers_cuda: torch.Tensor | None = None
        self._seed = _mixed(seed, 0)

    @contextmanager
    def lent(self) -> Iterator[None]:
        before = torch.get_rng_state()
        torch.set_rng_state(self._layers)
        if self._cuda:
            before_cuda = torch.cuda.get_rng_state()
            if self._layers_cuda is None:
                torch.cuda.manual_seed(self._seed)
            else:
                torch.cuda.set_rng_state(self._layers_cuda)
        try:
            yield
        finally:
            self._layers = torch.get_rng_state()
            torch.set_rng_state(before)
            if self._cuda:
                self._layers_cuda = torch.cuda.get_rng_state()
                torch.cuda.set_rng_state(before_cuda)

    def state_dict(self) -> dict[str, Any]:
        return {"layers": self._layers, "layers_cuda": self._layers_cuda, "data": self.data.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._layers = state["layers"].cpu()
        self._layers_cuda = None if state["layers_cuda"] is None else state["layers_cuda"].cpu()
        self.data.set_state(state["data"].cpu())


def _mixed(seed: int, stream: int) -> int:
    """Two streams of one seed that share nothing: a step of splitmix64."""
    z = (seed * 2 + stream + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (z ^ (z >> 31)) & 0x7FFFFFFFFFFFFFFF
