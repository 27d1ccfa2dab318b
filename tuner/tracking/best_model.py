"""The best trial's network as MLflow is told of it: what it takes and gives, and what says whether it is there already.

Pure. The input example is the training split's mean, so that no example of anybody's data leaves for a server.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.records.run_directory import RunDirectory
from tuner.records.trial import SweepRecord, TrialRecord
from tuner.tracking import mapping
from tuner.training.exported import known_of
from tuner.training.model_record import ModelRecord, read_record

NAME = "best"
"""Of the model in MLflow: `runs:/PARENT_RUN/best`."""
LARGEST_EXAMPLE = 1 << 18
"""Numbers in an input example: as text they take some 20 bytes each, twice."""
_SHAPES: dict[str, Any] = {
    "classes": lambda task: (task.num_classes,),
    "values": lambda task: (task.outputs,),
    "tokens": lambda task: (-1, task.outputs),
    "mask": lambda task: (task.outputs, -1, -1),
    "itself": lambda task: task.input_shape,
}


@dataclass(frozen=True, slots=True)
class BestModel:
    """A file of weights that a trial kept, and what goes with it."""

    weights: Path
    record: ModelRecord
    known: dict[str, Any]
    """More for `config.json`."""

    @property
    def tags(self) -> dict[str, str]:
        """Run and weights together are the same for no other model."""
        record = self.record
        return mapping.clipped(
            {
                "tuner.run": record.run,
                "tuner.weights": f"{record.trial} epoch {record.epoch}",
                "tuner.trial": record.trial,
                f"tuner.{record.metric}": repr(record.value),
                "tuner.model": record.model,
                "tuner.data_hash": record.data_hash,
            }
        )

    @property
    def params(self) -> dict[str, str]:
        return mapping.params(self.record.config)

    @property
    def input(self) -> tuple[str, tuple[int, ...]] | None:
        """(dtype, shape) of a batch, -1 for its length; None where nobody knows it beforehand."""
        dtype = self.record.inputs.dtype
        shape = self.record.task.input_shape
        if dtype is None:
            return None
        free = self.record.task.kind in ("tokens", "mask")  # which take images and texts of other sizes
        kept = shape[:1] if free and len(shape) == 3 else ()
        return dtype, (-1, *(kept + (-1,) * (len(shape) - len(kept)) if free else shape))

    @property
    def output(self) -> tuple[str, tuple[int, ...]] | None:
        shape = _SHAPES.get(self.record.task.kind)
        return None if shape is None else ("float32", (-1, *shape(self.record.task)))

    @property
    def example(self) -> npt.NDArray[Any] | None:
        """One raw input: the mean of the training split, zeros where there is none."""
        dtype, shape = self.record.inputs.dtype, self.record.task.input_shape
        if dtype is None or math.prod(shape) > LARGEST_EXAMPLE:
            return None
        mean = 0 if self.record.inputs.mean is None else np.asarray(self.record.inputs.mean)
        return np.array(np.broadcast_to(mean, (1, *shape)), dtype)


def best_model(directory: RunDirectory, training: TrialRecord, weights: Path) -> BestModel:
    """Raises InputError for a file that is damaged or of another version."""
    record = read_record(weights)
    return BestModel(weights, record, dict(known_of(directory, training, record.epoch)))


def kept_by_a_loop(record: SweepRecord) -> bool:
    """What a loop of the user's own kept is its own file: nobody else can load it."""
    return record.task is None
