"""A task's examples, divided and standardised once for a whole sweep: plain numpy, which crosses processes uncopied.

The division depends on the sweep's seed, not on a trial's, so all trials see the same examples. The test examples are
left out of what trials receive: `load_test` alone gives them.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.division import Rows, divide
from tuner.training.forms import InputForm
from tuner.training.kinds import KINDS
from tuner.training.locate import locate
from tuner.training.own_task import OwnTask, is_own, streamed
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import Streamed, TaskInfo
from tuner.training.tasks import Examples, Task
from tuner.training.tasks.examples import Array

Floats = npt.NDArray[np.float32]
NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Splits:
    """What trials train on and are judged by. Arrays may be read-only: they lie in memory that others read too."""

    task: TaskInfo
    train_x: Array
    """In a random order, so that any stretch of it is a fair sample."""
    train_y: Array | None
    """None: each example is its own target."""
    val_x: Array
    val_y: Array | None
    mean: Floats
    """What was subtracted, and then divided by: to have the raw inputs again. 0 and 1 for tokens."""
    deviation: Floats
    n_test: int
    data_hash: str
    standardised: bool = True
    """Whether the inputs stand here standardised, which is what trials get where the sweep does not say."""

    def inputs(self, values: Array, *, standardise: bool | None) -> Array:
        """`values` as they stand here, in the form that a trial asks for. Raises InputError for tokens."""
        if standardise is None or standardise == self.standardised:
            return values
        if self.task.vocabulary:
            cure = "the inputs are tokens, which have no mean: leave it out"
            raise InputError("tokens cannot be standardised", (Fault("standardise", True, cure),))
        return _standardise(values, self.mean, self.deviation) if standardise else raw(values, self)

    def form(self, *, standardise: bool) -> InputForm:
        """What that is, for whoever has raw inputs and no data set."""
        if self.task.vocabulary:
            return InputForm("int64")
        return (
            InputForm("float32", self.mean.tolist(), self.deviation.tolist()) if standardise else InputForm("float32")
        )


def find_task(name: str, folder: str = "", fixed: Mapping[str, object] = NOTHING) -> Task | OwnTask:
    """The task of a name from the catalogue, or of `my_package.tasks:Churn`.

    `fixed`: of the sweep; what the catalogue's task takes of it (`length`) goes to its constructor.
    """
    component = CATALOGUE.family("task").get(name)
    found = locate(component.where if component else name, folder)
    takes = component.parameters if component is not None else ()
    given = {spec.name: fixed[spec.name] for spec in takes if spec.name in fixed}
    made: Any = found(**given) if inspect.isclass(found) or inspect.isfunction(found) else found
    if is_own(made):
        return OwnTask(made, name)
    if not callable(getattr(made, "load", None)):
        cure = "it has to have `train` and `val`, or load(folder) -> Examples"
        raise InputError("not a task", (Fault("task", name, cure),))
    kind = getattr(made, "kind", "classes")
    if kind not in KINDS:
        cure = f"its kind has to be one of {', '.join(KINDS)}"
        raise InputError("not a task", (Fault(f"task {name}", kind, cure),))
    task: Task = made
    return task


def load_splits(plan: TrainingPlan) -> Splits | Streamed:
    """Training and validation examples of the plan's task; raises InputError when the data cannot be had.

    A task of the user's own that has a Dataset or a DataLoader gives what is known of it: workers open it themselves.
    """
    task = _task(plan)
    if isinstance(task, OwnTask) and not task.has_arrays:
        return streamed(task, plan)
    examples, (train, val, test) = _divided(plan, task)
    kind = getattr(task, "kind", "classes")
    x, y = _filled(examples.pooled_x(), train), _targets(examples.pooled_y(), kind)
    mean, deviation = _moments(x[train], examples)
    standardised = getattr(task, "standardised", True) and not examples.vocabulary
    outputs, num_classes = _outputs(task, examples, y)
    info = TaskInfo(
        getattr(task, "name", "") or str(plan.task),
        x.shape[1:],
        num_classes,
        len(train),
        kind=kind,
        outputs=outputs,
        vocabulary=examples.vocabulary,
        characters=examples.characters,
    )
    return Splits(
        task=info,
        train_x=_standardise(x[train], mean, deviation) if standardised else _plain(x[train], examples),
        train_y=None if y is None else y[train],
        val_x=_standardise(x[val], mean, deviation) if standardised else _plain(x[val], examples),
        val_y=None if y is None else y[val],
        mean=mean,
        deviation=deviation,
        n_test=len(test),
        data_hash=_hash(x, y, train, val),
        standardised=standardised,
    )


def load_test(plan: TrainingPlan) -> tuple[Array, Array | None]:
    """The test examples in the form of the `Splits`: to be looked at once, at the very end.

    Raises InputError for a task whose data the tuner does not divide: a Dataset or a DataLoader of the user's own.
    """
    task = _task(plan)
    if isinstance(task, OwnTask) and not task.has_arrays:
        cure = "the tuner cannot look at its test examples: leave --final-test out, or let `train` be arrays"
        raise InputError("no final test", (Fault("task", plan.task, cure),))
    examples, (train, _, test) = _divided(plan, task)
    x, y = _filled(examples.pooled_x(), train), _targets(examples.pooled_y(), getattr(task, "kind", "classes"))
    if getattr(task, "standardised", True) and not examples.vocabulary:
        test_x = _standardise(x[test], *_moments(x[train], examples))
    else:
        test_x = _plain(x[test], examples)
    return test_x, None if y is None else y[test]


def raw(values: Array, splits: Splits) -> Array:
    """Undoes the standardisation."""
    found: Array = values * splits.deviation + splits.mean
    return found


def _task(plan: TrainingPlan) -> Task | OwnTask:
    if plan.task is None:
        raise InputError("a sweep with a loop of its own has no task", (Fault("task", None, "name a task"),))
    return find_task(plan.task, plan.folder, plan.fixed)


def _divided(plan: TrainingPlan, task: Task | OwnTask) -> tuple[Examples, Rows]:
    folder = Path(plan.data_dir).expanduser() if plan.data_dir else None
    kind = getattr(task, "kind", "classes")
    if isinstance(task, OwnTask):
        examples, (train, val, test) = task.examples()
        _check(examples, str(plan.task), kind)
        return examples, (np.random.default_rng([plan.seed, 0x5011]).permutation(train), val, test)
    examples = task.load(folder)
    _check(examples, str(plan.task), kind)
    return examples, divide(plan, examples, task.split, classes=kind == "classes")


def _check(examples: Examples, name: str, kind: str) -> None:
    """What a task of the user's own may have got wrong."""
    for x, y in ((examples.x, examples.y), (examples.test_x, examples.test_y)):
        if x is None and y is None:
            continue
        if y is None and kind == "itself":
            continue
        targets = np.asarray(y)
        if x is None or y is None or targets.shape[:1] != (len(x),):
            cure = "one target for each example: y has to be as long as x"
            raise InputError("targets that are none", (Fault(f"task {name}", None, cure),))
        if kind == "classes" and (
            targets.ndim != 1 or (targets != targets.astype(np.int64)).any() or targets.min(initial=0) < 0
        ):
            cure = "one class number from 0 for each example: y has to be as long as x, whole and not negative"
            raise InputError("labels that are none", (Fault(f"task {name}", None, cure),))


def _outputs(task: Task | OwnTask, examples: Examples, y: Array | None) -> tuple[int, int]:
    """(features of a network's last layer, classes or 0)."""
    kind = getattr(task, "kind", "classes")
    told = int(getattr(task, "outputs", None) or 0)
    if kind == "classes":
        assert y is not None
        classes = max(told, int(y.max()) + 1)
        return classes, classes
    if kind == "tokens":
        return told or examples.vocabulary, 0
    if y is None:
        return told or int(examples.x.shape[1]), 0
    return told or (int(y.shape[1]) if y.ndim > 1 else 1), 0


def _targets(y: Array | None, kind: str) -> Array | None:
    if y is None:
        return None
    if kind in ("classes", "tokens"):
        return y.astype(np.int64)
    return y.astype(np.float32).reshape(len(y), *(y.shape[1:] or (1,)))


def _filled(x: Array, train: Array) -> Array:
    """Gaps (NaN) filled with the mean of that feature over the training split."""
    if not np.issubdtype(x.dtype, np.floating):
        return x
    gaps = np.isnan(x)
    if not gaps.any():
        return x
    return np.where(gaps, np.nanmean(x[train], 0), x)


def _moments(x: Array, examples: Examples) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each channel of images, of each feature of other inputs; shaped to broadcast."""
    if examples.vocabulary:
        return np.zeros(1, np.float32), np.ones(1, np.float32)
    axes = {4: (0, 2, 3), 3: (0, 1)}.get(x.ndim, (0,))
    total = square = np.float64(0)
    for part in np.array_split(x, -(-len(x) // 4096)):  # in double precision without a double-sized copy of all
        part = part.astype(np.float64)
        total = total + part.sum(axes, keepdims=True)[0]
        square = square + np.square(part).sum(axes, keepdims=True)[0]
    count = x.size / np.size(total)
    mean = np.asarray(total / count)
    deviation = np.sqrt(np.maximum(np.asarray(square / count) - mean**2, 0.0))
    return mean.astype(np.float32), np.where(deviation > 0, deviation, 1.0).astype(np.float32)


def _standardise(x: Array, mean: Floats, deviation: Floats) -> Array:
    out = x.astype(np.float32)
    out -= mean
    out /= deviation
    return out


def _plain(x: Array, examples: Examples) -> Array:
    return x.astype(np.int64 if examples.vocabulary else np.float32)


def _hash(x: Array, y: Array | None, *rows: Array) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in (x, y, *rows):
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
