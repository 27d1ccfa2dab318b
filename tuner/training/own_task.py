"""A task of the user's own: a class with `train` and `val`, and what it may say besides.

    class Churn:
        loss = "cross_entropy"
        outputs = 2

        def train(self): ...
        def val(self): ...

`train` and `val` (and `test`) are attributes, properties or methods: a pair (x, y) of arrays or tensors, a Dataset,
or a DataLoader. A method may take one argument, this trial's settings. Torch is imported by the user's module, if at
all; nothing here needs it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuner.errors import Fault, InputError
from tuner.training.division import Rows
from tuner.training.kinds import KINDS
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import Streamed, TaskInfo
from tuner.training.tasks.examples import Array, Examples

OWN = "own"
"""The kind of targets that only the task's own `loss` or `step` understands."""


def is_own(made: Any) -> bool:
    return hasattr(made, "train") and hasattr(made, "val") and not callable(getattr(made, "load", None))


class OwnTask:
    """What the user's object says, each missing word filled in."""

    def __init__(self, made: Any, name: str) -> None:
        """Raises InputError for what is there and cannot be meant."""
        self.made, self.name = made, getattr(made, "name", "") or name
        self._told = name
        self.loss: Any = getattr(made, "loss", None)
        self.metrics: Mapping[str, Any] | None = getattr(made, "metrics", None)
        self.step: Any = getattr(made, "step", None)
        self.outputs = int(getattr(made, "outputs", 0) or 0)
        self.standardised = bool(getattr(made, "standardised", False))
        self.classes = tuple(str(name) for name in getattr(made, "classes", ()))
        faults = [
            Fault(f"task {name}: {what}", type(found).__name__, cure)
            for what, found, wrong, cure in (
                ("loss", self.loss, not (self.loss is None or isinstance(self.loss, str) or callable(self.loss)),
                 "write a loss of the catalogue by its name, or a function (outputs, targets) -> the mean of a batch"),
                ("metrics", self.metrics, not (self.metrics is None or isinstance(self.metrics, Mapping)),
                 "write a mapping: name -> function (outputs, targets) -> one value for each example"),
                ("step", self.step, not (self.step is None or callable(self.step)),
                 "write a method step(self, model, batch) -> loss, or (loss, outputs, targets)"),
            )
            if wrong
        ]  # fmt: skip
        if faults:
            raise InputError("a task that cannot be used", tuple(faults))
        pairs = [_pair(self._plainly(part)) for part in ("train", "val")]
        self.has_arrays = all(pair is not None for pair in pairs) and self.step is None
        self.kind = str(getattr(made, "kind", None) or self._kind())
        if self.kind not in (*KINDS, OWN):
            cure = f"one of {', '.join((*KINDS, OWN))}"
            raise InputError("a task that cannot be used", (Fault(f"task {name}: kind", self.kind, cure),))

    def part(self, name: str, config: Mapping[str, Any]) -> Any:
        """`train`, `val` or `test` for one trial."""
        found = getattr(self.made, name)
        if not callable(found) or _is_dataset(found):
            return found
        return found(dict(config)) if self.takes_config(name) else found()

    def takes_config(self, name: str) -> bool:
        found = getattr(self.made, name, None)
        if not callable(found) or _is_dataset(found):
            return False
        return any(
            item.default is item.empty and item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD)
            for item in inspect.signature(found).parameters.values()
        )

    def examples(self) -> tuple[Examples, Rows]:
        """Of a task that has arrays: they are divided already."""
        train, val = (_pair(self._plainly(part)) for part in ("train", "val"))
        test = _pair(self._plainly("test")) if hasattr(self.made, "test") else None
        assert train is not None
        assert val is not None
        parts = [part for part in (train, val, test) if part is not None]
        ends = np.cumsum([len(x) for x, _ in parts])
        rows = [np.arange(end - len(x), end) for end, (x, _) in zip(ends, parts, strict=True)]
        if not len(rows[0]) or not len(rows[1]):
            cure = "training and validation need an example each"
            raise InputError("too few examples", (Fault(f"task {self._told}", None, cure),))
        x = np.concatenate([x for x, _ in parts])
        y = np.concatenate([y for _, y in parts])
        return Examples(x, y), (rows[0], rows[1], rows[2] if len(rows) == 3 else rows[1][:0])

    def _plainly(self, name: str) -> Any:
        """The part if it is the same for all trials, else None."""
        return None if self.takes_config(name) else self.part(name, {})

    def _kind(self) -> str:
        if self.step is not None or (self.loss is not None and not isinstance(self.loss, str)):
            return OWN
        if self.loss in ("cross_entropy", "multi_margin"):
            return "classes"
        if self.loss is not None:
            return "values" if self.loss not in ("bce_with_logits", "dice") else OWN
        pair = _pair(self._plainly("train"))
        if pair is None:
            cure = "say what is learnt: `loss` by its name or as a function, or a `step`"
            raise InputError("a task that cannot be used", (Fault(f"task {self._told}: loss", None, cure),))
        y = pair[1]
        return "classes" if y.ndim == 1 and np.issubdtype(y.dtype, np.integer) else "values"


def streamed(task: OwnTask, plan: TrainingPlan) -> Streamed:
    """What is known of a task with a Dataset or a DataLoader, from its lengths and its first example."""
    values = plan.settings({})
    train, val = (task.part(name, values) for name in ("train", "val"))
    first = _first(train)
    x = first[0] if isinstance(first, tuple | list) and len(first) else first
    shape = tuple(int(side) for side in getattr(x, "shape", ()))
    if _is_loader(train):
        shape = shape[1:]
    outputs = task.outputs or len(getattr(getattr(train, "dataset", train), "classes", ()))
    if task.kind == "classes" and not outputs:
        cure = "say how many classes there are: `outputs = 10`"
        raise InputError("a task that cannot be used", (Fault(f"task {task.name}: outputs", None, cure),))
    digest = hashlib.blake2b(f"{task.name} {_count(train)} {_count(val)}".encode(), digest_size=8)
    digest.update(np.asarray(x).tobytes() if hasattr(x, "shape") else repr(type(x)).encode())
    classes = outputs if task.kind == "classes" else 0
    info = TaskInfo(task.name, shape, classes, _count(train), kind=task.kind, outputs=outputs or 1)
    return Streamed(info, _count(val), digest.hexdigest(), _dtype(x))


def _dtype(x: Any) -> str | None:
    """numpy's name of an array's or a tensor's; None where it has none."""
    name = str(getattr(x, "dtype", "")).removeprefix("torch.")
    return name if name in np.sctypeDict else None


def _pair(found: Any) -> tuple[Array, Array] | None:
    """(x, y) as arrays, where that is what it is."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        return None
    if not all(hasattr(part, "shape") and hasattr(part, "__array__") for part in found):
        return None
    return np.asarray(found[0]), np.asarray(found[1])


def _is_dataset(found: Any) -> bool:
    return hasattr(found, "__getitem__") or hasattr(found, "__iter__")


def _is_loader(found: Any) -> bool:
    return hasattr(found, "dataset") and hasattr(found, "__iter__")


def _first(found: Any) -> Any:
    return next(iter(found)) if _is_loader(found) or not hasattr(found, "__getitem__") else found[0]


def _count(found: Any) -> int:
    """Examples. Raises InputError for a stream without an end."""
    try:
        return len(found.dataset) if _is_loader(found) else len(found)
    except TypeError as error:
        cure = "give the Dataset a __len__, or write a loop of your own: an epoch has to end somewhere"
        raise InputError("data without a length", (Fault("task", type(found).__name__, cure),)) from error
