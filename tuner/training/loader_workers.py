"""Processes that load the batches of a Dataset beside the one that trains: started once a trial, for all its epochs.

Whatever the Dataset draws at random follows from the seed of its batch. So the batches are the same however many
processes load them, and whether or not the trial was resumed in between.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

BATCHES_AHEAD = 2
"""That each process has ready or in work."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One batch."""

    part: str
    """`train` or `val`."""
    rows: Sequence[int]
    seed: int


class Parts(Dataset[Any]):
    """Both splits as one Dataset that is asked for whole batches, so that the same processes serve both."""

    def __init__(self, train: Any, val: Any) -> None:
        self._parts = {"train": train, "val": val}

    def __getitems__(self, wanted: Wanted) -> list[Any]:
        torch.default_generator.manual_seed(wanted.seed)  # torch.manual_seed would note it for a GPU, again and again
        random.seed(wanted.seed)
        np.random.seed(wanted.seed % 2**32)
        dataset = self._parts[wanted.part]
        at_once = getattr(dataset, "__getitems__", None)
        found: list[Any] = at_once(list(wanted.rows)) if at_once else [dataset[row] for row in wanted.rows]
        return found


class LoaderWorkers:
    """`processes` of them, at least 1. They end with this object."""

    def __init__(self, train: Any, val: Any, processes: int, *, pinned: bool) -> None:
        self._wanted: list[Wanted] = []
        self._loader: DataLoader[Any] = DataLoader(
            Parts(train, val),
            batch_sampler=self._wanted,  # type: ignore[arg-type]  # a batch's whole order stands in the place of rows
            num_workers=processes,
            persistent_workers=True,
            prefetch_factor=BATCHES_AHEAD,
            pin_memory=pinned,
            generator=torch.Generator(),  # of the loader's own seeds, which nothing uses: the trial's stays untouched
        )

    def batches(self, part: str, rows: Sequence[Sequence[int]], seed: int) -> Iterator[Any]:
        """In this order. What an earlier call has not handed out is lost."""
        self._wanted[:] = [Wanted(part, of_batch, seed + number) for number, of_batch in enumerate(rows)]
        return iter(self._loader)
