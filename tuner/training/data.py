"""A task's examples, divided and standardised once for a whole sweep: plain numpy, which crosses processes uncopied.

The division depends on the sweep's seed, not on a trial's, so all trials see the same examples. The test examples are
left out of what trials receive: `load_test` alone gives them.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate
from tuner.training.plan import TrainingPlan
from tuner.training.tasks import Examples, Task

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int64]
Sizes = tuple[int, int, int]
"""Of training, validation and test."""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a model's builder is told about the task: `build(task, **parameters)`."""

    name: str
    input_shape: tuple[int, ...]
    """Of one example, without the batch: (channels, height, width) or (features,)."""
    num_classes: int
    n_train: int


@dataclass(frozen=True, slots=True)
class Splits:
    """What trials train on and are judged by. Arrays may be read-only: they lie in memory that others read too."""

    task: TaskInfo
    train_x: Floats
    """Standardised, in a random order, so that any stretch of it is a fair sample."""
    train_y: Labels
    val_x: Floats
    val_y: Labels
    mean: Floats
    """What was subtracted, and then divided by: to have the raw inputs again."""
    deviation: Floats
    n_test: int
    baseline_loss: float
    """Cross-entropy of always predicting the training split's class frequencies."""
    data_hash: str


def find_task(name: str, folder: str = "") -> Task:
    """The task of a name from the catalogue, or of `my_package.tasks:Churn`."""
    component = CATALOGUE.family("task").get(name)
    found = locate(component.where if component else name, folder)
    task: Any = found() if inspect.isclass(found) or inspect.isfunction(found) else found
    if not callable(getattr(task, "load", None)):
        raise InputError("not a task", (Fault("task", name, "it has to have load(folder) -> Examples"),))
    made: Task = task
    return made


def load_splits(plan: TrainingPlan) -> Splits:
    """Training and validation examples of the plan's task; raises InputError when the data cannot be had."""
    task, examples, rows = _divided(plan)
    x, y = _pooled(examples)
    train, val, test = rows
    mean, deviation = _moments(x[train])
    num_classes = int(y.max()) + 1
    frequencies = np.bincount(y[train], minlength=num_classes) / len(train)
    seen = frequencies[frequencies > 0]
    return Splits(
        task=TaskInfo(getattr(task, "name", "") or str(plan.task), x.shape[1:], num_classes, len(train)),
        train_x=_standardise(x[train], mean, deviation),
        train_y=y[train],
        val_x=_standardise(x[val], mean, deviation),
        val_y=y[val],
        mean=mean,
        deviation=deviation,
        n_test=len(test),
        baseline_loss=float(-(seen * np.log(seen)).sum()),
        data_hash=_hash(x, y, train, val),
    )


def load_test(plan: TrainingPlan) -> tuple[Floats, Labels]:
    """The test examples, standardised as the training split says: to be looked at once, at the very end."""
    _, examples, (train, _, test) = _divided(plan)
    x, y = _pooled(examples)
    mean, deviation = _moments(x[train])
    return _standardise(x[test], mean, deviation), y[test]


def raw(values: Floats, splits: Splits) -> Floats:
    """Undoes the standardisation, for trials that ask for `standardise: false`."""
    return values * splits.deviation + splits.mean


def _checked(examples: Examples, name: str) -> Examples:
    """What a task of the user's own may have got wrong."""
    for x, y in ((examples.x, examples.y), (examples.test_x, examples.test_y)):
        if x is None and y is None:
            continue
        labels = np.asarray(y)
        if x is None or labels.shape != (len(x),) or (labels != labels.astype(np.int64)).any() or labels.min() < 0:
            cure = "one class number from 0 for each example: y has to be as long as x, whole and not negative"
            raise InputError("labels that are none", (Fault(f"task {name}", None, cure),))
    return examples


def _divided(plan: TrainingPlan) -> tuple[Task, Examples, tuple[Positions, Positions, Positions]]:
    if plan.task is None:
        raise InputError("a sweep with a loop of its own has no task", (Fault("task", None, "name a task"),))
    task = find_task(plan.task, plan.folder)
    examples = _checked(task.load(Path(plan.data_dir).expanduser() if plan.data_dir else None), plan.task)
    given = plan.fixed.get("split")
    own_test = examples.test_x is not None and given is None
    shares = np.array(given if given is not None else task.split, np.float64)
    if shares.shape != (3,) or (shares < 0).any() or shares[:2].min() == 0 or not np.isclose(shares.sum(), 1):
        cure = "three shares of training, validation and test that sum to 1, as in [0.8, 0.1, 0.1]; only test may be 0"
        raise InputError("the data cannot be divided", (Fault("fixed.split", given, cure),))
    rng = np.random.default_rng([plan.seed, 0x5011])  # a stream of its own, apart from what a trial draws
    labels = np.asarray(examples.y).astype(np.int64)
    if not own_test:
        _, y = _pooled(examples)
        return task, examples, _stratified(y, shares, plan.limit, rng)
    # The task's own test set stays what it is; a limit shrinks it in proportion.
    n_test = len(np.asarray(examples.test_y))
    limit = plan.limit
    if limit is not None:
        limit, n_test = _portions(min(limit, len(labels) + n_test), len(labels), n_test)
    shares[2] = 0.0
    train, val, _ = _stratified(labels, shares / shares.sum(), limit, rng)
    return task, examples, (train, val, len(labels) + np.arange(n_test))


def _portions(total: int, first: int, second: int) -> tuple[int, int]:
    part = round(total * first / (first + second))
    return part, total - part


def _pooled(examples: Examples) -> tuple[npt.NDArray[Any], Labels]:
    """All examples in one array; the task's own test set comes last."""
    x, y = np.asarray(examples.x), np.asarray(examples.y).astype(np.int64)
    if examples.test_x is None or examples.test_y is None:
        return x, y
    return np.concatenate([x, examples.test_x]), np.concatenate([y, np.asarray(examples.test_y).astype(np.int64)])


def _stratified(
    y: Labels, shares: npt.NDArray[np.float64], limit: int | None, rng: np.random.Generator
) -> tuple[Positions, Positions, Positions]:
    """Three sets of rows in which each class has its share, as nearly as whole numbers allow."""
    kept = len(y) if limit is None else min(limit, len(y))
    # Rank each row within its class at random; ordering all rows by (rank + 1/2) / class size interleaves the classes
    # evenly, so that any prefix and any stretch of that order is stratified.
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    counts = np.bincount(y)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(y)) - np.repeat(starts, counts)
    place = (rank + rng.random(len(counts)).repeat(counts)) / np.repeat(counts, counts)
    rows = order[np.argsort(place, kind="stable")][:kept]
    ends = np.round(np.cumsum(shares) * kept).astype(int)
    parts = np.split(rows, ends[:2])
    if not all(len(part) for part in parts[:2]):
        raise InputError("too few examples", (Fault("data.limit", limit, "training and validation need one each"),))
    train, val, test = (rng.permutation(part) for part in parts)
    return train, val, test


def _moments(x: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each channel of images, of each feature of other inputs; shaped to broadcast."""
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    total = square = np.float64(0)
    for part in np.array_split(x, -(-len(x) // 4096)):  # in double precision without a double-sized copy of all
        part = part.astype(np.float64)
        total = total + part.sum(axes, keepdims=True)[0]
        square = square + np.square(part).sum(axes, keepdims=True)[0]
    count = x.size / np.size(total)
    mean = np.asarray(total / count)
    deviation = np.sqrt(np.maximum(np.asarray(square / count) - mean**2, 0.0))
    return mean.astype(np.float32), np.where(deviation > 0, deviation, 1.0).astype(np.float32)


def _standardise(x: npt.NDArray[Any], mean: Floats, deviation: Floats) -> Floats:
    out = x.astype(np.float32)
    out -= mean
    out /= deviation
    return out


def _hash(x: npt.NDArray[Any], y: Labels, train: Positions, val: Positions) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in (x, y, train, val):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
