"""Images that are their own targets, pixels from 0 (black) to 1: what autoencoders are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from tuner.training.tasks.digits import Digits
from tuner.training.tasks.examples import Array, Examples, Task
from tuner.training.tasks.idx_images import MNIST, FashionMNIST


class Autoencoding(Task):
    """The images of another task, without its labels. Not standardised where the sweep does not say, so that a sigmoid
    reaches every pixel and `bce` fits."""

    kind = "itself"
    standardised = False
    source: ClassVar[type[Task]]
    brightest: ClassVar[float]
    """The pixel value that becomes 1."""

    def load(self, folder: Path | None) -> Examples:
        examples = self.source().load(folder)
        test_x = None if examples.test_x is None else self._scaled(examples.test_x)
        return Examples(self._scaled(examples.x), test_x=test_x)

    def _scaled(self, x: Array) -> Array:
        found = x.astype(np.float32)
        found /= self.brightest
        return found


class FashionAutoencoder(Autoencoding):
    name = "fashion_autoencoder"
    source = FashionMNIST
    brightest = 255.0
    split = FashionMNIST.split


class MNISTAutoencoder(Autoencoding):
    name = "mnist_autoencoder"
    source = MNIST
    brightest = 255.0
    split = MNIST.split


class DigitsAutoencoder(Autoencoding):
    name = "digits_autoencoder"
    source = Digits
    brightest = 16.0
