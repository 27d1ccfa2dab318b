"""What a training loop of the user's own is called with: `loop(trial)`. Torch-free.

def loop(trial):
    model = build(trial.config["width"])
    for epoch in range(1, trial.max_epochs + 1):
        ...
        trial.report(epoch, train_loss=train, val_loss=val)
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tuner.records.epochs import EpochMetrics
from tuner.records.values import to_scalar
from tuner.training.waiting import Meter, Waiting

T = TypeVar("T")


class StopTrial(BaseException):
    """Raised inside `report` when the trial is not to go on. No `except Exception` of a loop can swallow it."""


class Trial:
    """One trial, as the user's loop sees it."""

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        *,
        seed: int,
        max_epochs: int,
        folder: Path,
        tell: Callable[[EpochMetrics], None],
        better: Callable[[Mapping[str, float], float | None], float | None],
    ) -> None:
        """`tell` hands an epoch over, waits for the decision and raises StopTrial; `better` gives the metric of an
        epoch if it beats the best so far, else None."""
        self.name = name
        """`0017`."""
        self.config = dict(config)
        """Every parameter of this trial by its recorded name, the fixed ones too."""
        self.seed = seed
        self.max_epochs = max_epochs
        self._folder, self._tell, self._better = folder, tell, better
        self._reported = 0
        self._fresh: Path | None = None
        self._waited: Meter | None = None
        self._since = time.perf_counter()

    def batches(self, loader: Iterable[T]) -> Iterable[T]:
        """The same batches: `for x, y in trial.batches(loader)`. The time that each of them takes to come is recorded
        with the epoch's report, so that a sweep that waits for its data is told so."""
        self._waited = self._waited or Meter()
        return Waiting(loader, self._waited)

    def report(
        self, epoch: int, *, train_loss: float | None = None, val_loss: float | None = None, **metrics: float
    ) -> None:
        """An epoch is done. Waits for the decision; raises StopTrial when the trial is not to go on.

        Epochs count from 1 and rise. Any number will do, a tensor of one element too; NaN is a value.
        """
        if isinstance(epoch, bool) or int(epoch) != epoch or epoch <= self._reported:
            raise ValueError(
                f"report({epoch!r}, …): epochs are whole, count from 1 and rise; {self._reported} was last"
            )
        given = {"train_loss": train_loss, "val_loss": val_loss, **metrics}
        numbers = {name: float(to_scalar(value) or 0.0) for name, value in given.items() if value is not None}
        if not numbers:
            raise ValueError(f"report({epoch}) holds no metric")
        self._reported = int(epoch)
        self._note_best(numbers)
        seconds = time.perf_counter() - self._since
        waited = None
        if self._waited is not None:
            waited, self._waited.seconds = self._waited.seconds, 0.0
        self._tell(EpochMetrics(int(epoch), numbers, seconds, waited))
        self._since = time.perf_counter()

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Keep a file or folder that the loop wrote; call it before the `report` of the same epoch."""
        source = Path(path)
        if not source.exists():
            raise FileNotFoundError(f"trial.checkpoint({str(path)!r}): there is nothing there")
        suffix = source.suffix if source.is_file() else ""
        self._fresh = _keep(source, self._folder, f"last{suffix}")

    def restore(self) -> Path | None:
        """What the last `checkpoint` of this trial kept, of an earlier attempt too; None when there is none."""
        return _kept(self._folder, "last")

    def _note_best(self, metrics: Mapping[str, float]) -> None:
        notes = self._folder / "best.json"
        best = json.loads(notes.read_text())["value"] if notes.is_file() else None
        value = self._better(metrics, best)
        if value is not None and self._fresh is not None:
            _keep(self._fresh, self._folder, f"best{self._fresh.suffix}")
            half = notes.with_suffix(".half")
            half.write_text(json.dumps({"value": value, "epoch": self._reported}))
            half.replace(notes)
        self._fresh = None


def _kept(folder: Path, stem: str) -> Path | None:
    """The newest of that stem; the one put aside where a crash came between two renames."""
    found = [path for path in folder.glob(f"{stem}*") if path.suffix != ".json"] or list(folder.glob(f".old-{stem}*"))
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def _keep(source: Path, folder: Path, name: str) -> Path:
    """A copy of `source` as `name` in `folder`, whole or not at all; the one before is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.partition(".")[0]
    target, half, old = folder / name, folder / f".new-{name}", folder / f".old-{name}"
    _remove(half)
    if source.is_dir():
        shutil.copytree(source, half)
    else:
        shutil.copyfile(source, half)
    if target.is_dir() or half.is_dir():  # a folder cannot be replaced in one step
        _remove(old)
        if target.exists():
            target.rename(old)
    half.replace(target)
    _remove(old)
    for other in folder.glob(f"{stem}*"):
        if other not in (target, folder / "best.json"):
            _remove(other)
    return target


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
