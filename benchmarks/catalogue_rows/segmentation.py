"""What a segmentation has to beat: a threshold on brightness, which needs no learning.

Otsu's method (1979) cuts each image where the variance between the two sides is largest. The second threshold is one
for all images, the best on the training split. Images are as trials see them, each standardised by itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from catalogue_row import Row

from tuner.training.data import Splits, load_splits
from tuner.training.plan import TrainingPlan

Array = npt.NDArray[np.float32]
LEVELS = 256
BEATEN = "one threshold, the best on the training split"


def baselines(plan: TrainingPlan) -> dict[str, float]:
    """Name -> val_iou or val_dice, whichever the sweep's metric is."""
    splits = load_splits(plan)
    assert isinstance(splits, Splits)
    assert splits.train_y is not None and splits.val_y is not None
    measure = {"val_iou": iou, "val_dice": dice}[plan.metric]
    train_x, val_x = splits.train_x, splits.val_x
    if train_x.shape[1] > 1:  # of colour images, their brightness
        train_x, val_x = train_x.mean(1, keepdims=True), val_x.mean(1, keepdims=True)
    return {
        "Otsu's threshold of each image": measure(
            np.stack([image > otsu(image) for image in val_x]), splits.val_y > 0.5
        ),
        BEATEN: measure(val_x > best_threshold(train_x, splits.train_y > 0.5, measure), splits.val_y > 0.5),
    }


def otsu(image: Array) -> float:
    """The cut between two of 256 levels that makes w₀·w₁·(μ₀ − μ₁)² largest: shares and means of its two sides."""
    counts, edges = np.histogram(image, LEVELS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * middles)
    above = counts.sum() - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between))])


def best_threshold(images: Array, masks: npt.NDArray[np.bool_], measure: object) -> float:
    """Of 200 between the darkest and the brightest pixel."""
    assert callable(measure)
    cuts = np.linspace(images.min(), images.max(), 202)[1:-1]
    return float(cuts[int(np.argmax([measure(images > cut, masks) for cut in cuts]))])


def iou(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    """The mean over images, as `val_iou` is; an empty mask found empty is 1."""
    axes = tuple(range(1, true.ndim))
    either = (found | true).sum(axes)
    return float(np.where(either > 0, (found & true).sum(axes) / np.maximum(either, 1), 1.0).mean())


def dice(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    """The mean over images, as `val_dice` is."""
    axes = tuple(range(1, true.ndim))
    sizes = found.sum(axes) + true.sum(axes)
    return float(np.where(sizes > 0, 2 * (found & true).sum(axes) / np.maximum(sizes, 1), 1.0).mean())


ROW = Row(
    "segmentation",
    "80 microscope images of 128×128 pixels: which belong to a cell nucleus",
    ("segmentation_nuclei",),
    baselines,
    BEATEN,
)
