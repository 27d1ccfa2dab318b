"""California housing: the median house value of 20,640 block groups of the census of 1990, in dollars."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task

FILE = "california_housing.csv"
TARGET, PLACE = "median_house_value", "ocean_proximity"
PLACES = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")


class Housing(Task):
    """Eight numbers, some of them missing, and how near the ocean is. Gaps stay gaps (NaN) here: they are filled with
    the training split's mean once that is known."""

    name = "housing"
    kind = "values"

    def load(self, folder: Path | None) -> Examples:
        path = (folder or Path()) / FILE
        if folder is None or not path.is_file():
            cure = (
                f"put {FILE} there (housing.csv of ageron/handson-ml2), and name its folder with data.dir, --data or "
                "TUNER_DATA"
            )
            raise InputError(
                "housing was not found", (Fault("data.dir", None if folder is None else str(folder), cure),)
            )
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        try:
            numbers = [name for name in rows[0] if name not in (TARGET, PLACE)]
            x = [[float(row[name] or "nan") for name in numbers] for row in rows]
            near = [[float(row[PLACE] == place) for place in PLACES] for row in rows]
            y = [float(row[TARGET]) for row in rows]
        except (KeyError, IndexError, ValueError) as error:
            cure = f"is not the file that was meant ({error}): fetch it again"
            raise InputError("a data file cannot be read", (Fault(str(path), None, cure),)) from error
        return Examples(np.concatenate([x, near], 1).astype(np.float32), np.array(y))
