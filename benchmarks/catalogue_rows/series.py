"""What a network of sequences has to beat: forecasts that look at one month, and least squares on all of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from catalogue_row import Row, Run

from tuner.training.data import Splits, load_splits, raw
from tuner.training.plan import TrainingPlan
from tuner.training.tasks.elnino import SEASON

LEAST_SQUARES = "least squares on all steps"
Array = npt.NDArray[np.float64]


def baselines(plan: TrainingPlan) -> dict[str, float]:
    """Name -> val_rmse or val_loss (of squares on the targets' own scale), whichever the sweep's metric is."""
    splits = load_splits(plan)
    assert isinstance(splits, Splits)
    assert splits.train_y is not None
    assert splits.val_y is not None
    x, val_x = (
        (raw(part, splits) if splits.standardised else part).astype(np.float64)
        for part in (splits.train_x, splits.val_x)
    )
    y, val_y = splits.train_y[:, 0].astype(np.float64), splits.val_y[:, 0].astype(np.float64)
    found = {
        "the mean": np.full(len(val_y), y.mean()),
        LEAST_SQUARES: least_squares(x, y, val_x),
    }
    if plan.task == "elnino":
        found["the month before"] = val_x[:, -1, 0]
        if val_x.shape[1] >= SEASON:
            found["the same month of the year before"] = val_x[:, -SEASON, 0]
    squares = {name: float(np.square(said - val_y).mean()) for name, said in found.items()}
    return squares if plan.metric == "val_loss" else {name: value**0.5 for name, value in squares.items()}


def least_squares(x: Array, y: Array, val_x: Array) -> Array:
    """Linear in every number of the sequence, with a constant."""
    rows, val_rows = (np.column_stack([part.reshape(len(part), -1), np.ones(len(part))]) for part in (x, val_x))
    weights, *_ = np.linalg.lstsq(rows, y, rcond=None)
    found: Array = val_rows @ weights
    return found


def gating(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    """The best of each cell at the adding problem; and the best forecast beside the naive ones."""
    best: dict[str, float] = {}
    for trial in runs["series_adding"].directory.record().trials:
        if trial.value is not None:
            cell = str(trial.config["cell"])
            best[cell] = min(best.get(cell, float("inf")), trial.value)
    gated = {cell: best[cell] for cell in ("lstm", "gru") if cell in best}
    said = ", ".join(f"{cell} {value:.4f}" for cell, value in sorted(best.items()))
    elnino = runs["series_elnino"]
    naive = min(value for name, value in elnino.baselines.items() if name != LEAST_SQUARES)
    return (
        (f"gates carry what a plain cell loses over 100 steps: {said}", min(gated.values()) < best["rnn"] / 2),
        (f"the next month: RMSE {elnino.value:.3f} °C, naive forecasts from {naive:.3f}", elnino.value < naive),
    )


ROW = Row(
    "series",
    "the sum of two marked numbers among 100; the next of 732 months of sea temperature",
    ("series_adding", "series_elnino"),
    baselines,
    LEAST_SQUARES,
    gating,
)
