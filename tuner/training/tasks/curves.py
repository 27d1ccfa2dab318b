"""Made-up functions of one number: what a network must be able to learn, and what shows what its capacity does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.training.tasks.examples import Examples, Task


class Line(Task):
    """f(x) = 2x − 1 with normal noise of deviation 0.05, x even in [−1, 1]: slope and intercept can be read off."""

    name = "line"
    kind = "values"
    standardised = False

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002  (needs no files)
        rng = np.random.default_rng(2021)
        x = rng.uniform(-1, 1, 20_000)
        return Examples(x[:, None], 2 * x - 1 + rng.normal(0, 0.05, len(x)))


class Wave(Task):
    """f(x) = x + sin 1.5πx with normal noise of deviation 0.3, x even in [−1, 1]: 40 examples to learn from.

    A straight line explains a third of it and a polynomial of degree 5 all; one of degree 20 follows the noise. 400
    more examples judge.
    """

    name = "wave"
    kind = "values"
    standardised = False
    split = (1 / 21, 10 / 21, 10 / 21)

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002
        rng = np.random.default_rng(2018)
        x = rng.uniform(-1, 1, 840)
        return Examples(x[:, None], x + np.sin(1.5 * np.pi * x) + rng.normal(0, 0.3, len(x)))
