"""How raw inputs become what a network is fed with, and its outputs what the targets are measured in. Torch-free.

Plain numbers, nested as arrays are: they stand in the header of a file of weights and in `config.json` of an export.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class InputForm:
    """(x − mean) / deviation in single precision; or x as it is, where there is no mean."""

    dtype: str | None
    """`float32`, `int64` for tokens, what a Dataset of the user's own gives; None where its inputs are no arrays."""
    mean: Any = None
    """Shaped to be subtracted from a raw example."""
    deviation: Any = None

    def of_raw(self, x: Array) -> Array:
        """As the trainer prepares them, bit for bit."""
        if self.dtype is None:
            return x
        out = x.astype(self.dtype)
        if self.mean is not None:
            out -= np.asarray(self.mean, np.float32)
            out /= np.asarray(self.deviation, np.float32)
        return out

    def to_raw(self, x: Array) -> Array:
        """The way back, for what a network gives in the form of its inputs."""
        if self.mean is None:
            return x
        found: Array = x * np.asarray(self.deviation, np.float32) + np.asarray(self.mean, np.float32)
        return found


@dataclass(frozen=True, slots=True)
class TargetForm:
    """y · deviation + mean; of that the exponential, where the scale is `log`."""

    name: str
    mean: Any
    deviation: Any

    def to_raw(self, y: Array) -> Array:
        """Outputs in the targets' own unit."""
        found: Array = y * np.asarray(self.deviation, np.float32) + np.asarray(self.mean, np.float32)
        return np.exp(found) if self.name == "log" else found
