"""What a callback notes of an epoch while another library's trainer runs it, until it is reported. Library-free."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tuner.importers.names import curve_name, logged_names
from tuner.records.values import to_scalar
from tuner.training.trial import StopTrial, Trial


class EpochBook:
    """One trial's epochs, one after the other: `begin`, the waits for data, `end`, and `hand_in` once all is known."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.metrics: dict[str, float] = {}
        self._epoch: int | None = None
        """That has ended and is not reported yet."""
        self._began = self._ended = self._idle_since = time.perf_counter()
        self._waited = 0.0

    def begin(self) -> None:
        self.metrics = {}
        self._began = self._ended = self._idle_since = time.perf_counter()
        self._waited = 0.0

    def batch_comes(self) -> None:
        """Training waited for it since `batch_goes`, or since the epoch began."""
        self._waited += time.perf_counter() - self._idle_since

    def batch_goes(self) -> None:
        """It, or what was done after it, is done: training asks for the next one."""
        self._idle_since = time.perf_counter()

    def end(self, epoch: int) -> None:
        """Training is through with the epoch; may be called again as evaluation goes on."""
        self._epoch, self._ended = epoch, time.perf_counter()

    @property
    def ended(self) -> int | None:
        """The epoch that waits to be handed in."""
        return self._epoch

    def is_due(self, epoch: int, every: int) -> bool:
        """Whether the epoch's checkpoint is to be kept: each `every`th and the last one; none where it is 0."""
        return every > 0 and (epoch % every == 0 or epoch >= self.trial.max_epochs)

    def keep(self, checkpoint: Path) -> None:
        """A checkpoint of the epoch that has ended; nobody writes to its files again."""
        self.trial._keep(checkpoint, own=True)

    def hand_in(self, *, more: bool) -> None:
        """Report the epoch that has ended, if there is one. `more`: the trainer is about to begin another one.

        Raises StopTrial when the trial is not to go on.
        """
        if self._epoch is None:
            return
        epoch, self._epoch = self._epoch, None
        self.trial._hand_in(epoch, self.metrics, self._ended - self._began, self._waited)
        if more and epoch >= self.trial.max_epochs:
            raise StopTrial


def named(logged: Mapping[str, Any]) -> dict[str, float]:
    """What a library logged, by our names: `valid/acc_epoch` is `val_accuracy`; other numbers keep their own name.

    Of a value of the step and one of the epoch, the epoch's counts.
    """
    numbers = {name: number for name, given in logged.items() if (number := _number(given)) is not None}
    curves = logged_names(numbers)
    found = {curve: numbers[name] for name, curve in curves.items()}
    for name, number in numbers.items():
        plain = name.removesuffix("_epoch")
        whole = name.endswith("_step") and f"{name.removesuffix('_step')}_epoch" in numbers
        if curve_name(plain.removesuffix("_step").removesuffix("/dataloader_idx_0")) is None and not whole:
            found[plain] = number
    return found


def examples(loaders: Any) -> int | None:
    """In the data sets of a loader, or of several (a list, a mapping); None where one of them cannot tell."""
    if loaders is None:
        return None
    if isinstance(loaders, Mapping):
        parts: Iterable[Any] = loaders.values()
    elif isinstance(loaders, list | tuple):
        parts = loaders
    else:
        parts = [loaders]
    counts = [_length(getattr(part, "dataset", None)) for part in parts]
    known = [count for count in counts if count]
    return sum(known) if known and len(known) == len(counts) else None


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:  # an iterable data set
        return None


def _number(given: Any) -> float | None:
    try:
        value = to_scalar(given)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several elements
        return None
    return None if value is None or isinstance(value, str) else float(value)
