"""The adding problem: long sequences of which two steps matter.

After Hochreiter & Schmidhuber (1997, experiment 4), in the form of Le, Jaitly & Hinton (2015, arXiv:1504.00941):
numbers uniform in [0, 1], one step marked in each half, the target the sum of the two marked numbers. Whoever answers
1, the mean, has a mean squared error of 1/6, the variance of the sum of two such numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.training.tasks.examples import Examples, Task

SEED = 1997


class Adding(Task):
    """Inputs [sequences, length, 2]: number and mark (0 or 1). The same sequences each time; nothing is read."""

    name = "adding"
    kind = "values"
    standardised = False  # a mark is 1 once in `length` steps; standardised it would grow with the length

    def __init__(self, length: int = 100, sequences: int = 10_000) -> None:
        self.length, self.sequences = length, sequences

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002  (needs no files)
        rng = np.random.default_rng([SEED, self.length])
        rows, half = np.arange(self.sequences), self.length // 2
        numbers = rng.random((self.sequences, self.length), dtype=np.float32)
        first = rng.integers(half, size=self.sequences)
        second = rng.integers(half, self.length, size=self.sequences)
        marks = np.zeros_like(numbers)
        marks[rows, first] = marks[rows, second] = 1
        sums = numbers[rows, first] + numbers[rows, second]
        return Examples(np.stack([numbers, marks], axis=2), sums[:, None])
