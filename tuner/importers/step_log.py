"""Values logged at steps of the training, as trackers keep them, gathered into a history of epochs.

Question  Which epoch does each value belong to, where curves are logged at steps of their own?
Answer    1. The log names the epochs: theirs, unless validation runs more than once an epoch. Then an evaluation with
          the training before it stands for an epoch, or a fine-tuning of three epochs would be three points.
          2. It does not, and training is logged at least twice as often as validation, or beside it: the same.
          3. It does not, and both are logged together: a step is an epoch, the first one epoch 1.
          The training loss keeps all of its values, `steps_per_epoch` of them an epoch, where an epoch has several; an
          epoch that logged fewer is filled up with values that were not measured. Of other curves an epoch keeps the
          mean (training) or the last value (validation).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tuner.errors import Fault
from tuner.importers.mapping import build_history
from tuner.records.history import History

Points = dict[int, float]
"""Step -> value."""

OFTEN = 2.0
"""Training values a validation value from which training is taken to be logged by the step."""
SPARSE = 3
"""Steps without a common stride that cover more than this many times their number are counted, not read as epochs."""


@dataclass
class StepLog:
    """The curves of one run by their names here."""

    id: str
    curves: dict[str, Points] = field(default_factory=dict)
    epochs: Points = field(default_factory=dict)
    """Step -> epoch as it was logged: counted from 0 in whole numbers, or epochs done with fractions. May be empty."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Further keys of an input file: `max_epochs`, `config`, ..."""


def history_of(log: StepLog, line: int | None = None) -> tuple[History | None, tuple[Fault, ...]]:
    """The history, or None and the reasons."""
    curves = {name: points for name, points in log.curves.items() if points}
    first = _first(curves, "train")
    grid, epochs, evaluations = _epochs(curves, log.epochs, first)
    facts = dict(log.facts)
    if evaluations:
        facts.pop("max_epochs", None)  # evaluations are counted then
    columns: dict[str, Any] = {}
    for name, points in curves.items():
        slots: dict[int, list[float]] = {}
        for step in sorted(points):
            slots.setdefault(grid(step), []).append(points[step])
        if name == "train_loss":
            count = max(map(len, slots.values()))
            if count > 1:
                facts["steps_per_epoch"] = count
            columns[name] = [value for epoch in epochs for value in _filled(slots.get(epoch, []), count)]
        else:
            one = _last if name.startswith("val_") else _mean
            columns[name] = [one(slots[epoch]) if epoch in slots else None for epoch in epochs]
    return build_history({**facts, **columns, "epoch": epochs}, log.id, line)


def _epochs(
    curves: Mapping[str, Points], logged: Points, first_train: int
) -> tuple[Callable[[int], int], list[int], bool]:
    """What a step's epoch is, all epochs, and whether they are evaluations."""
    train, val = _steps(curves, "train"), _steps(curves, "val")
    steps = sorted({step for points in curves.values() for step in points})
    if logged:
        of_step = _logged_epochs(logged)
        if len(val) < OFTEN * len({of_step(step) for step in val if of_step(step) > 0}) or not val:
            return of_step, sorted({of_step(step) for step in steps}), False
        return *_evaluations(val, steps, first_train), True
    together = set(val) <= set(train) or set(train) <= set(val)
    if val and train and (len(train) >= OFTEN * len(val) or not together):
        return *_evaluations(val, steps, first_train), True
    numbers = dict(zip(steps, _numbers(steps, first_train), strict=True))
    return numbers.__getitem__, list(numbers.values()), False


def _logged_epochs(logged: Points) -> Callable[[int], int]:
    at = sorted(logged)
    from_zero = min(logged.values()) == 0 and all(value.is_integer() for value in logged.values())

    def of_step(step: int) -> int:
        value = logged[at[max(0, bisect_right(at, step) - 1)]]
        return int(value) + 1 if from_zero else math.ceil(value - 1e-6)

    return of_step


def _evaluations(val: list[int], steps: list[int], first_train: int) -> tuple[Callable[[int], int], list[int]]:
    """An evaluation ends its epoch; one before the first step of training is epoch 0."""
    shift = 0 if val[0] < first_train else 1

    def of_step(step: int) -> int:
        return bisect_left(val, step) + shift

    return of_step, sorted({of_step(step) for step in steps})


def _numbers(steps: list[int], first_train: int) -> list[int]:
    """Epochs for steps that are epochs each, whatever their stride; from 1 where training begins."""
    if not steps:
        return []
    stride = math.gcd(*(later - step for step, later in pairwise(steps)))
    if stride > 1:
        return [(step - first_train) // stride + 1 for step in steps]
    if steps[-1] - steps[0] > SPARSE * len(steps):
        return [place + 1 - bisect_left(steps, first_train) for place in range(len(steps))]
    return [step + (1 if first_train == 0 else 0) for step in steps]


def _steps(curves: Mapping[str, Points], part: str) -> list[int]:
    """The steps of the loss, or of the first metric."""
    names = [f"{part}_loss", *(name for name in curves if name.startswith(f"{part}_"))]
    return sorted(next((curves[name] for name in names if name in curves), ()))


def _first(curves: Mapping[str, Points], part: str) -> int:
    steps = _steps(curves, part) or [step for points in curves.values() for step in points]
    return min(steps, default=0)


def _filled(values: list[float], count: int) -> list[float | None]:
    return [*values, *[None] * (count - len(values))]


def _mean(values: list[float]) -> float:
    return values[0] if len(values) == 1 else sum(values) / len(values)


def _last(values: list[float]) -> float:
    return values[-1]
