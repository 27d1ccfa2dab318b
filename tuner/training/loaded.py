"""A trained network, ready to use: its weights, what it was trained with, and how a raw example is fed to it.

Torch is imported when one is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.model_record import ModelRecord, read_record
from tuner.training.settings import read_settings

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH = 256
"""Examples that go through the network at once."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A trained network; `tuner.load` returns one. No data set is needed to use it."""

    model: nn.Module
    """A torch.nn.Module with its weights, in evaluation mode, on the CPU. It takes standardised inputs."""
    record: ModelRecord
    """What it is: run, trial, model, configuration, seed, task, metric, value, epoch, how inputs are standardised."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The trial's configuration, by parameter."""
        return self.record.config

    def predict(self, x: Any) -> npt.NDArray[Any]:
        """What the network says of raw inputs [N, *input_shape], as the task loads them: standardised as in training
        first, and computed in single precision.

        By kind of target: classes: probabilities [N, classes]; tokens: the same at each step [N, steps, vocabulary];
        mask: the probability of 1; values: in the targets' own unit; itself: in the inputs' own unit; a task's own
        loss: the outputs as they are. Raises InputError for inputs of another shape.
        """
        import torch

        inputs = self._inputs(np.asarray(x))
        weight = next(self.model.parameters(), None)
        found = []
        with torch.no_grad():
            for start in range(0, len(inputs), BATCH):
                batch = torch.from_numpy(inputs[start : start + BATCH])
                outputs = self.model(batch if weight is None else batch.to(weight.device))
                found.append(self._meant(outputs[0] if isinstance(outputs, tuple) else outputs))
        out: npt.NDArray[Any] = torch.cat(found).numpy()
        if self.record.targets is not None:
            return self.record.targets.to_raw(out)
        return self.record.inputs.to_raw(out) if self.record.task.kind == "itself" else out

    def _inputs(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sides may differ where the network does not mind: of images to be masked, of sequences, of a user's own."""
        task = self.record.task
        wanted = task.input_shape
        fits = x.shape[1:] == wanted if task.kind in ("classes", "values", "itself") else x.ndim == 1 + len(wanted)
        if not fits or not len(x) or x.dtype == object:
            cure = f"raw inputs of the task have the shape [{', '.join(('N', *map(str, wanted)))}], N at least 1"
            raise InputError("inputs that this network does not take", (Fault("x.shape", x.shape, cure),))
        return self.record.inputs.of_raw(x)

    def _meant(self, outputs: torch.Tensor) -> torch.Tensor:
        """Probabilities, where they are what the outputs stand for."""
        outputs = outputs.float().cpu()
        kind = self.record.task.kind
        if kind == "classes":
            return outputs.softmax(1)
        if kind == "tokens":
            return outputs.softmax(-1)
        return outputs.sigmoid() if kind == "mask" else outputs


def load_weights(path: Path, record: ModelRecord | None = None, folder: str = "") -> LoadedModel:
    """Build the network that a file of weights is of. `record`: where it was read already; `folder`: where a network
    of the user's own is found. Raises InputError for a damaged file, and where the network's code is not there or has
    changed since."""
    import torch

    from tuner.training.building import build_model
    from tuner.training.weights import read_weights

    record = record or read_record(path)
    settings = read_settings({**record.fixed, **record.config}, record.model)
    with torch.random.fork_rng(devices=[]):  # the weights that are drawn here are replaced
        model = build_model(settings, record.task, folder)
    try:
        model.load_state_dict(read_weights(path))
    except RuntimeError as error:
        cure = f"{record.model} has changed since: {' '.join(str(error).split())}"
        raise InputError("the weights do not fit the network", (Fault(str(path), None, cure),)) from error
    return LoadedModel(model.eval(), record)
