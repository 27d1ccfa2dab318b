"""Sea surface temperatures off Peru, a mean for each month from 1950 to 2010: a series with a season and a slow swing.

From the data sets that statsmodels carries (`statsmodels.datasets.elnino`, the National Oceanic and Atmospheric
Administration's; public domain).
"""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Array, Examples, Task

SEASON = 12
"""Months after which a naive forecast repeats itself."""


class ElNino(Task):
    """The last `window` months [N, window, 1], in °C, and the next one [N, 1]; months stay in their order."""

    name = "elnino"
    kind = "values"

    def __init__(self, window: int = 24) -> None:
        self.window = window

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002  (needs no files)
        months = _months()
        if self.window > len(months) - 10:
            cure = f"there are {len(months)} months, and the three splits need some: at most {len(months) - 10}"
            raise InputError("a window too long", (Fault("fixed.window", self.window, cure),))
        x = np.lib.stride_tricks.sliding_window_view(months, self.window)[:-1, :, None]
        return Examples(np.ascontiguousarray(x), months[self.window :, None], ordered=True)


def _months() -> Array:
    # The file itself: importing statsmodels takes seconds.
    package = find_spec("statsmodels")
    if package is None or not package.submodule_search_locations:
        cure = "install statsmodels, which carries the series: pip install 'tuner[series]'"
        raise InputError("the temperatures come with statsmodels", (Fault("task", "elnino", cure),))
    path = Path(package.submodule_search_locations[0]) / "datasets" / "elnino" / "elnino.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return np.array([[float(cell) for cell in row[1:]] for row in rows], np.float32).ravel()
