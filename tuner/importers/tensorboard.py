"""TensorBoard event files: every folder with some is a run; needs the package of that name (the extra `tensorboard`).

Which of a run's scalars is which curve says its tag (`Loss/train`, `val_loss`, `eval/loss`). Writers that keep the
parts apart in folders, `train/` and `validation/` or `loss_train/` and `loss_val/`, give one history for both. A scalar
named `epoch`, as Lightning and Hugging Face write it, says which epoch a step belongs to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError
from tuner.importers.names import curve_name, logged_names
from tuner.importers.step_log import StepLog, history_of
from tuner.records.history import History

_PARTS = ("train", "training", "val", "valid", "validation", "eval", "test")


def recognises(raw: bytes) -> bool:
    """The first record of an event file names the version of its format."""
    return b"brain.Event:" in raw[:64]


def event_folders(folder: Path) -> list[Path]:
    """The folders at or below it that hold event files."""
    found = []
    for where, below, names in os.walk(folder):
        below.sort()
        if any(".tfevents." in name and _is_event_file(Path(where) / name) for name in names):
            found.append(Path(where))
    return found


def read(path: Path) -> tuple[list[History], list[Fault]]:
    """The histories of an event file, or of every run below a folder."""
    load = _loader()
    folders = [path] if path.is_file() else event_folders(path)
    logs: dict[Path, StepLog] = {}
    tags: list[str] = []
    for folder in folders:
        scalars = _scalars(load, folder)
        tags += scalars
        run, prefix = _run_of(folder) if folder != path else (folder, "")
        log = logs.setdefault(run, StepLog(_id(run, path)))
        names = {f"{prefix}_{tag.removeprefix('epoch_')}" if _bare(tag, prefix) else tag: tag for tag in scalars}
        for name, curve in logged_names(names).items():
            log.curves.setdefault(curve, {}).update(scalars[names[name]])
        for tag, points in scalars.items():
            if tag.rpartition("/")[2] == "epoch":
                log.epochs.update({step: value for step, value in points.items() if 0 <= value < float("inf")})
    logs = {run: log for run, log in logs.items() if log.curves}
    if not logs:
        shown = ", ".join(sorted(set(tags))[:8]) or "no scalars at all"
        cure = "no tag that names a loss, such as Loss/train, train_loss, val_loss or eval/loss"
        return [], [Fault("scalars", shown, cure)]
    histories: list[History] = []
    faults: list[Fault] = []
    for log in logs.values():
        history, own = history_of(log)
        histories += [history] if history else []
        faults += own
    return histories, faults


def _loader() -> Callable[[Path], Iterator[Any]]:
    """Reads the events of one file. A torn record, as in a run that still writes, ends it."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    except ImportError:
        cure = "needs the package tensorboard, which is not installed: pip install 'tuner[tensorboard]'"
        raise InputError("a TensorBoard event file", (Fault("tensorboard", None, cure),)) from None

    def load(path: Path) -> Iterator[Any]:
        yield from LegacyEventFileLoader(str(path)).Load()

    return load


def _scalars(load: Callable[[Path], Iterator[Any]], path: Path) -> dict[str, dict[int, float]]:
    """Tag -> step -> value, of a file or of all of a folder's; of a step that was written twice the later value."""
    found: dict[str, dict[int, float]] = {}
    for file in [path] if path.is_file() else sorted(filter(_is_event_file, path.glob("*.tfevents.*"))):
        for event in load(file):
            for logged in event.summary.value:
                value = _number(logged)
                if value is not None:
                    found.setdefault(logged.tag, {})[event.step] = value
    return found


def _number(logged: Any) -> float | None:
    """TensorFlow writes a scalar as a tensor of one number; what is no number is another plugin's."""
    if logged.HasField("simple_value"):
        return float(logged.simple_value)
    if not logged.HasField("tensor") or logged.tensor.tensor_shape.dim:
        return None
    from tensorboard.util.tensor_util import make_ndarray

    array = make_ndarray(logged.tensor)
    return float(array) if array.dtype.kind in "fiu" else None


def _run_of(folder: Path) -> tuple[Path, str]:
    """The run of a folder, and what its tags lack: `run/train` is the training part of `run`."""
    name = folder.name.lower()
    if name in _PARTS:
        return folder.parent, name
    curve = curve_name(name)
    return (folder.parent, curve.partition("_")[0]) if curve in ("train_loss", "val_loss") else (folder, "")


def _bare(tag: str, prefix: str) -> bool:
    """The tag does not say itself which part it is of."""
    curve = curve_name(tag)
    return bool(prefix) and tag != "epoch" and (curve is None or tag.lower() in ("loss", "accuracy", "acc"))


def _id(run: Path, given: Path) -> str:
    if run.is_file():
        return run.resolve().parent.name
    return run.name if run == given or given not in run.parents else run.relative_to(given).as_posix()


def _is_event_file(path: Path) -> bool:
    with path.open("rb") as file:
        return recognises(file.read(64))
