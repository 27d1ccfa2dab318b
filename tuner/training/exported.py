"""The folder that `tuner export` makes: weights, configuration and how to load them. Torch-free: weights are copied.

A folder appears whole or not at all. One that an export made can be replaced; any other is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import TrialRecord
from tuner.records.values import encode_metrics
from tuner.training.model_record import ModelRecord

WEIGHTS, CONFIG, README = "model.safetensors", "config.json", "README.md"
CHECKPOINT = "checkpoint"
"""What a loop of the user's own kept, with its suffix."""


def write_export(
    weights: Path, record: ModelRecord, folder: Path, told: Mapping[str, Any], *, force: bool = False
) -> None:
    """Export a file of weights that a trial kept; `record` is what it says of itself, `told` more for config.json.

    Raises InputError for a folder that holds anything (with `force`: anything that no export made).
    """
    with _appearing(folder, force) as half:
        shutil.copyfile(weights, half / WEIGHTS)
        _describe(half, {**record.to_json(), **told}, _model_page(record))


def write_loop_export(kept: Path, folder: Path, told: Mapping[str, Any], *, force: bool = False) -> None:
    """Export the file or folder that a loop of the user's own kept: copied as it is, with the configuration."""
    name = f"{CHECKPOINT}{kept.suffix if kept.is_file() else ''}"
    with _appearing(folder, force) as half:
        if kept.is_dir():
            shutil.copytree(kept, half / name)
        else:
            shutil.copyfile(kept, half / name)
        _describe(half, {**told, "checkpoint": name}, _loop_page(told, name))


def known_of(directory: RunDirectory, training: TrialRecord, epoch: int) -> Mapping[str, Any]:
    """What journal and environment know of a training beside its weights' own header, for config.json."""
    measured = next((one.metrics for one in training.epochs if one.epoch == epoch), {})
    try:
        environment = json.loads(directory.environment.read_text(encoding="utf-8"))
    except FileNotFoundError:
        environment = {}
    return {"metrics": encode_metrics(measured), "versions": environment.get("versions", {})}


def exported_weights(folder: Path) -> Path | None:
    """The weights in a folder that an export made; None for any other folder."""
    path = folder / WEIGHTS
    return path if path.is_file() and (folder / CONFIG).is_file() else None


@contextmanager
def _appearing(folder: Path, force: bool) -> Iterator[Path]:
    """An empty folder beside the one that is to be, which takes its place when all went well."""
    _refuse(folder, force)
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  (`.` has no name; resolve() would follow links)
    half = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        yield half
        if folder.is_dir() and any(folder.iterdir()):
            old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
            folder.rename(old)
            half.rename(folder)
            shutil.rmtree(old)
        else:
            half.replace(folder)  # also over an empty folder
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _refuse(folder: Path, force: bool) -> None:
    if not folder.exists():
        return
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [folder.name]
    cure = ""
    if there and not (folder.is_dir() and CONFIG in there and all(map(_ours, there))):
        cure = f"holds what no export made ({', '.join(there[:3])}): name another folder"
    elif there and not force:
        cure = "holds an export already: name another folder, or replace it with --force"
    if cure:
        raise InputError("the export would overwrite something", (Fault("--out", str(folder), cure),))


def _ours(name: str) -> bool:
    return name in (WEIGHTS, CONFIG, README) or name.partition(".")[0] == CHECKPOINT


def _describe(half: Path, config: Mapping[str, Any], page: str) -> None:
    (half / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (half / README).write_text(page, encoding="utf-8")


def _model_page(record: ModelRecord) -> str:
    shape = ", ".join(("N", *map(str, record.task.input_shape)))
    own = (
        f"\nThe network is built by `{record.model}`, which has to be importable where it is loaded.\n"
        if ":" in record.model
        else ""
    )
    return f"""# {record.model} for {record.task.name}

{record.metric} {record.value:.6g} at epoch {record.epoch}; trial {record.trial} of {record.run}.

```python
import tuner

loaded = tuner.load("this/folder")
loaded.predict(x)     # raw inputs [{shape}], as the task loads them
loaded.model          # the torch.nn.Module, in evaluation mode, for inputs in the form that training gave them
```
{own}
`{WEIGHTS}` holds the weights, readable by any tool that knows safetensors; `{CONFIG}` the configuration, the
task, and how inputs are standardised (`inputs`: minus mean, then divided by deviation) and outputs scaled (`targets`).
"""


def _loop_page(told: Mapping[str, Any], name: str) -> str:
    return f"""# Trial {told["trial"]} of {told["run"]}

{told["metric"]} {told["value"]} at epoch {told["epoch"]}. The training loop was `{told["loop"]}`.

`{name}` is what it gave to `trial.checkpoint`, unchanged: load it as the loop does. `{CONFIG}` is the configuration.
"""
