"""The 1,797 written digits that scikit-learn carries."""

from __future__ import annotations

import csv
import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task


class Digits(Task):
    """8×8 pixels; nothing is downloaded."""

    name = "digits"
    classes = tuple("0123456789")

    def load(self, folder: Path | None) -> Examples:  # noqa: ARG002  (needs no files)
        # The file itself: importing sklearn.datasets takes a second, most of it scipy.
        package = find_spec("sklearn")
        if package is None or not package.submodule_search_locations:
            raise InputError("the digits come with scikit-learn", (Fault("task", "digits", "install scikit-learn"),))
        path = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
        with gzip.open(path, "rt") as file:
            table = np.array([[float(cell) for cell in row] for row in csv.reader(file)], dtype=np.float32)
        return Examples(table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1].astype(np.int64))
