"""What a task loads, and what it says of itself. Torch-free.

A task of the catalogue is a class with `load(folder) -> Examples`: arrays, which are divided, standardised and handed
to all trials. A task of the user's own may be that, or a class with `train` and `val` (`training/own_task.py`).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Examples:
    """What a task loads: a row an example.

    Inputs: images [N, channels, height, width], sequences [N, steps, features], other numbers [N, features], or token
    numbers [N, steps] of whole numbers, with `vocabulary` set.
    Targets: what the task's kind says (`training/kinds.py`).
    """

    x: Array
    y: Array | None = None
    """None only where an example is its own target (kind `itself`)."""
    test_x: Array | None = None
    """The task's own test set, where it comes with one: then x and y are divided into training and validation."""
    test_y: Array | None = None
    ordered: bool = False
    """Rows follow each other in time or text: training first, then validation, then test, each without gaps. Else rows
    are divided at random, with each class in its share."""
    vocabulary: int = 0
    """How many tokens there are; 0: the inputs are numbers."""
    characters: str = ""
    """What the tokens stand for, where each is one character: a token is a place in it."""

    def pooled_x(self) -> Array:
        """All inputs in one array; the task's own test set comes last."""
        x = np.asarray(self.x)
        return x if self.test_x is None else np.concatenate([x, np.asarray(self.test_x)])

    def pooled_y(self) -> Array | None:
        if self.y is None:
            return None
        y = np.asarray(self.y)
        return y if self.test_y is None else np.concatenate([y, np.asarray(self.test_y)])


class Task(ABC):
    """A source of examples. The class attributes hold for all tasks and may be left as they are."""

    name: str = ""
    kind: str = "classes"
    """What is learnt, a name of `training.kinds.KINDS`: classes, values, mask, tokens, itself."""
    standardised: bool = True
    """Whether inputs are standardised where the sweep does not say: mean 0 and deviation 1 on the training split."""
    classes: tuple[str, ...] = ()
    """What the class numbers stand for, for pictures and reports."""
    split: tuple[float, float, float] = (0.6, 0.2, 0.2)
    """Shares of training, validation and test when the sweep gives none; with a test set of the task's own, the first
    two alone count."""

    @abstractmethod
    def load(self, folder: Path | None) -> Examples:
        """All examples, from `folder` where the task needs files; None when no folder was named."""


def cache_folder() -> Path:
    """Where downloads go: `tuner/` in this user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tuner"
