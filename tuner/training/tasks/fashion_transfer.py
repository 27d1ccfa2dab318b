"""Fashion-MNIST cut in two, for transfer: five classes with all their images, and five with twenty images each."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from tuner.training.tasks.examples import Array, Examples
from tuner.training.tasks.idx_images import FashionMNIST

FEW, VALIDATION = 20, 200
"""Images of a class to learn from, and to be judged by."""


class _Some(FashionMNIST):
    numbers: ClassVar[tuple[int, ...]]
    """Of Fashion-MNIST's classes, in the order in which they are numbered here."""

    def load(self, folder: Path | None) -> Examples:
        found = super().load(folder)
        assert found.y is not None and found.test_x is not None and found.test_y is not None
        x, y = self._chosen(found.x, found.y)
        test_x, test_y = self._chosen(found.test_x, found.test_y)
        return Examples(x, y, test_x, test_y)

    def _chosen(self, x: Array, y: Array) -> tuple[Array, Array]:
        rows = np.flatnonzero(np.isin(y, self.numbers))
        place = np.full(10, -1)
        place[list(self.numbers)] = np.arange(len(self.numbers))
        return x[rows], place[y[rows]]


class FashionSource(_Some):
    """Five classes to learn from at leisure: clothes, and shoes."""

    name = "fashion_source"
    numbers = (0, 3, 5, 6, 7)
    classes = tuple(FashionMNIST.classes[number] for number in numbers)


class FashionFew(_Some):
    """The other five: 20 images of each to learn from, 200 to be judged by. Which ones they are is drawn with the
    division, from the sweep's seed, among the first 220 of each class."""

    name = "fashion_few"
    numbers = (1, 2, 4, 8, 9)
    classes = tuple(FashionMNIST.classes[number] for number in numbers)
    split = (FEW / (FEW + VALIDATION), VALIDATION / (FEW + VALIDATION), 0.0)

    def load(self, folder: Path | None) -> Examples:
        found = super().load(folder)
        assert found.y is not None
        rows = np.concatenate(
            [np.flatnonzero(found.y == label)[: FEW + VALIDATION] for label in range(len(self.numbers))]
        )
        return Examples(found.x[rows], found.y[rows], found.test_x, found.test_y)
