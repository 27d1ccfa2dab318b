"""What is known of a task without its examples. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a model's builder is told about the task: `build(task, **parameters)`."""

    name: str
    input_shape: tuple[int, ...]
    """Of one example, without the batch: (channels, height, width), (steps, features), (features,); (steps,)."""
    num_classes: int
    """0 where targets are no classes."""
    n_train: int
    kind: str = "classes"
    """What the targets are: `training.kinds`."""
    outputs: int = 0
    """Features of a network's last layer: classes, values, channels of a mask, the vocabulary."""
    vocabulary: int = 0
    """How many tokens the inputs are made of; 0: they are numbers."""
    characters: str = ""
    """What these tokens stand for, where each is one character: `tuner generate` writes with them."""

    def __post_init__(self) -> None:
        if not self.outputs:
            object.__setattr__(self, "outputs", self.num_classes)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A task whose batches come from a Dataset or a DataLoader of the user's own, opened by each worker."""

    task: TaskInfo
    n_val: int
    data_hash: str
    """Of the lengths and the first examples: nobody reads all of it beforehand."""
    dtype: str | None = None
    """Of the inputs, as `float32`; None where they are no arrays."""
