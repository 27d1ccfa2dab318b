"""What a row of the catalogue is made of: files in `catalogue_rows/` define ROW."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep
from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan

Floats = npt.NDArray[np.float64]
Baselines = Callable[[TrainingPlan], Mapping[str, float]]
"""Name -> its value in the sweep's own metric, on the same validation examples; of plain numpy or scikit-learn."""


@dataclass(frozen=True)
class Run:
    """One sweep of a row, as it ended."""

    sweep: Sweep
    directory: RunDirectory
    value: float
    """The best trial's, in the sweep's metric."""
    baselines: Mapping[str, float]


@dataclass(frozen=True)
class Row:
    """One row: one sweep file, or several that are compared."""

    id: str
    says: str
    """What is learnt, of which data."""
    sweeps: tuple[str, ...]
    """Names in `search_spaces/`."""
    baselines: Baselines
    """Asked once for each sweep."""
    beats: str
    """Which of the baselines the best trial has to beat; the others stand beside it."""
    wanted: Callable[[Mapping[str, Run]], tuple[tuple[str, bool], ...]] | None = None
    """By sweep name: further things that have to show, each in words and whether it did."""
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By sweep name: settings other than the file's, where a whole run would take too long here; the page says so."""


def flat_splits(plan: TrainingPlan) -> tuple[Floats, npt.NDArray[np.float64], Floats, npt.NDArray[np.float64]]:
    """(x, y, validation x, validation y), a row an example, as trials see them."""
    splits = load_splits(plan)
    assert isinstance(splits, Splits)
    assert splits.train_y is not None
    assert splits.val_y is not None
    x, val_x = (part.reshape(len(part), -1).astype(np.float64) for part in (splits.train_x, splits.val_x))
    return x, splits.train_y.astype(np.float64), val_x, splits.val_y.astype(np.float64)


def least_squares(plan: TrainingPlan) -> float:
    """Validation RMSE of the linear least-squares solution with an intercept, fitted on the training split."""
    x, y, val_x, val_y = flat_splits(plan)
    x, val_x = (np.column_stack([part, np.ones(len(part))]) for part in (x, val_x))
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    return float(np.sqrt(np.mean((val_x @ weights - val_y) ** 2)))
