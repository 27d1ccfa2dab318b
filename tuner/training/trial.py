"""What a training loop of the user's own is called with: `loop(trial)`. Torch-free.

def loop(trial):
    model = build(trial.config["width"])
    for epoch in range(1, trial.max_epochs + 1):
        ...
        trial.report(epoch, train_loss=train, val_loss=val)
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.values import to_scalar
from tuner.training.loop_checkpoints import LoopCheckpoints, merged
from tuner.training.storing import storing
from tuner.training.waiting import Meter, Waiting

T = TypeVar("T")
TRAIN_EVALS = ("epoch_mean", "after_epoch")


class StopTrial(BaseException):
    """Raised inside `report` when the trial is not to go on. No `except Exception` of a loop can swallow it."""


class Desk(Protocol):
    """Where a trial hands its reports in."""

    @property
    def stopped(self) -> bool:
        """The trial is over: nothing more is taken."""
        ...

    def tell(self, epoch: EpochMetrics, facts: Facts | None) -> None:
        """Hand an epoch over and wait for the decision; raises StopTrial. `facts` where they are new."""
        ...

    def better(self, metrics: Mapping[str, float], best: float | None) -> float | None:
        """The metric of an epoch if it beats the best so far, else None."""
        ...


class Trial:
    """One trial, as the user's loop sees it."""

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        seed: int,
        max_epochs: int,
        checkpoints: LoopCheckpoints,
        desk: Desk,
        every: int = 1,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.name = name
        """`0017`."""
        self.config = dict(config)
        """Every parameter of this trial by its recorded name, the fixed ones too."""
        self.seed = seed
        """Of this trial; `random`, numpy and torch's global generators are seeded with it already."""
        self.max_epochs = max_epochs
        """How many the sweep gives it at most: the horizon of a schedule."""
        self.every = every
        """Epochs between checkpoints, as the sweep file has it (`checkpoints: {every: 5}`)."""
        self.rank, self.world_size = rank, world_size
        """0 and 1, unless `resources.workers` is above 1: then the loop is called in each worker, and
        `torch.distributed` is initialised there. Only what rank 0 reports and keeps counts; the others may call the
        same methods, which do nothing."""
        self._checkpoints, self._desk = checkpoints, desk
        self._facts = checkpoints.facts
        self._news = self._facts is not None
        self._reported = 0
        self._scratch: str | None = None
        self._waited: Meter | None = None
        self._since = time.perf_counter()

    def tell(
        self,
        *,
        n_train: int | None = None,
        n_val: int | None = None,
        num_classes: int | None = None,
        steps_per_epoch: int | None = None,
        initial_loss: float | None = None,
        baseline_loss: float | None = None,
        n_parameters: int | None = None,
        train_eval: str | None = None,
        device: str | None = None,
        data_hash: str | None = None,
    ) -> None:
        """Before the first report: what the loop knows of its problem. The diagnosis needs none of it, and each helps.

        `initial_loss`: of the untrained network, evaluation mode. `baseline_loss`: of the best constant prediction
        (class entropy in nats, or the variance). `train_eval`: whether `train_loss` is the mean over the epoch's
        batches (`epoch_mean`) or measured when the epoch is over (`after_epoch`). Raises ValueError for what cannot be.
        """
        whole = {
            "n_train": n_train,
            "n_val": n_val,
            "num_classes": num_classes,
            "steps_per_epoch": steps_per_epoch,
            "n_parameters": n_parameters,
        }
        real = {"initial_loss": initial_loss, "baseline_loss": baseline_loss}
        if train_eval is not None and train_eval not in TRAIN_EVALS:
            raise ValueError(f"trial.tell(train_eval={train_eval!r}): {' or '.join(TRAIN_EVALS)}")
        known: dict[str, Any] = {
            "train_eval": train_eval,
            "device": None if device is None else str(device),
            "data_hash": data_hash,
        }
        known |= {name: _whole("tell(", name, value) for name, value in whole.items() if value is not None}
        known |= {name: _number("tell(", name, value) for name, value in real.items() if value is not None}
        given = {name: value for name, value in known.items() if value is not None}
        self._facts, self._news = merged(self._facts, Facts(**given)), True

    def batches(self, loader: Iterable[T]) -> Iterable[T]:
        """The same batches: `for x, y in trial.batches(loader)`. The time that each of them takes to come is recorded
        with the epoch's report, so that a sweep that waits for its data is told so."""
        self._waited = self._waited or Meter()
        return Waiting(loader, self._waited)

    def report(
        self, epoch: int, *, train_loss: float | None = None, val_loss: float | None = None, **metrics: float
    ) -> None:
        """An epoch is done. Waits for the decision; raises StopTrial when the trial is not to go on.

        Epochs count from 1 and rise. Any number will do, a tensor of one element too; NaN is a value, None is none.
        Raises ValueError for what is no number.
        """
        self._hand_in(epoch, {"train_loss": train_loss, "val_loss": val_loss, **metrics})

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Keep a copy of a file or folder that the loop wrote; call it before the `report` of the same epoch.

        It counts once that epoch is reported: what a crash leaves is the checkpoint of a reported epoch, never half.
        """
        self._keep(Path(path), own=False)

    def restore(self) -> Path | None:
        """What the last `checkpoint` of this trial kept, of an earlier attempt too; None when there is none."""
        return self._checkpoints.last()

    @property
    def scratch(self) -> Path:
        """A folder of this trial's own on this machine's disk, empty at first; removed when the loop has ended."""
        if self._scratch is None:
            self._scratch = tempfile.mkdtemp(prefix=f"tuner-{self.name}-")
        return Path(self._scratch)

    def _keep(self, source: Path, *, own: bool) -> None:
        if not source.exists():
            raise FileNotFoundError(f"trial.checkpoint({str(source)!r}): there is nothing there")
        if self.rank:
            return
        with storing(self._checkpoints.folder):
            self._checkpoints.stage(source, own=own)

    def _hand_in(
        self, epoch: Any, given: Mapping[str, Any], seconds: float | None = None, waited: float | None = None
    ) -> None:
        """`report`, for those who took the time themselves."""
        if self._desk.stopped:  # a `finally` of the loop reports, or the loop swallowed what stopped it
            raise StopTrial
        number = _epoch(epoch)
        if number is None or number <= self._reported:
            raise ValueError(
                f"report({epoch!r}, …): epochs are whole, count from 1 and rise; {self._reported} was last"
            )
        if number > self.max_epochs:
            raise StopTrial
        call = f"report({number}, "
        numbers = {name: _number(call, name, value) for name, value in given.items() if value is not None}
        if not numbers:
            raise ValueError(f"report({number}) holds no metric")
        self._reported = number
        if self.rank:
            return  # rank 0 is told; who goes on alone waits for it at their next exchange
        if waited is None and self._waited is not None:
            waited, self._waited.seconds = self._waited.seconds, 0.0
        done = EpochMetrics(number, numbers, time.perf_counter() - self._since if seconds is None else seconds, waited)
        better = self._desk.better(numbers, self._checkpoints.best)
        with storing(self._checkpoints.folder):
            self._checkpoints.commit(done, better, self._facts)
        news, self._news = self._news, False
        self._desk.tell(done, self._facts if news else None)
        self._since = time.perf_counter()

    def _tidy(self) -> None:
        """The loop has ended."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def _epoch(given: Any) -> int | None:
    """The epoch as a whole number; None where it is none."""
    try:
        value = to_scalar(given)
    except (TypeError, ValueError, RuntimeError):  # what an array or tensor of several elements raises
        return None
    if isinstance(value, bool | str) or value is None or value != value or abs(value) == float("inf"):
        return None
    return int(value) if int(value) == value else None


def _number(call: str, name: str, given: Any) -> float:
    """Any number, an array or a tensor of one element too. Raises ValueError with the metric's name."""
    try:
        value = to_scalar(given)
        if value is not None and not isinstance(value, str):
            return float(value)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several elements
        pass
    shape = getattr(given, "shape", None)
    found = f"{type(given).__name__} of shape {tuple(shape)}" if shape is not None else repr(given)
    raise ValueError(f"trial.{call}{name}={found}): a number, or a tensor of one element")


def _whole(call: str, name: str, given: Any) -> int:
    value = _number(call, name, given)
    if value != value or value < 1 or int(value) != value:
        raise ValueError(f"trial.{call}{name}={given!r}): a whole number, 1 or more")
    return int(value)
