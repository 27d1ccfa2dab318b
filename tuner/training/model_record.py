"""What a file of weights says of itself: all that is needed to build its network again and to feed it. Torch-free.

It stands in the file's header, so the weights of a trial can be used without its data, its sweep or its run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from tuner.errors import Fault, InputError
from tuner.records.values import decode_number, encode_number
from tuner.training.forms import InputForm, TargetForm
from tuner.training.task_info import TaskInfo

VERSION = 1
_RECORD, _EPOCH, _VALUE = "tuner.record", "tuner.epoch", "tuner.value"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A trained network in words and numbers."""

    run: str
    """The run directory's name."""
    trial: str
    """The training: `0017`, or `0017-2` on a further seed."""
    model: str
    """A name from the catalogue, or `my_package.nets:build`."""
    config: Mapping[str, Any]
    """The trial's configuration, by recorded name."""
    fixed: Mapping[str, Any]
    """What was the same for all trials."""
    seed: int
    task: TaskInfo
    inputs: InputForm
    """How a raw example becomes what the network is fed with."""
    targets: TargetForm | None
    """The scale of what it gives; None: as it is."""
    data_hash: str
    metric: str
    mode: str
    epoch: int = 0
    """Whose weights these are."""
    value: float = 0.0
    """Of the metric at that epoch."""

    def header(self) -> dict[str, str]:
        """All but epoch and value: the same at each epoch of a trial."""
        return {_RECORD: json.dumps(self.to_json(), default=str)}

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self), "value": encode_number(self.value)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ModelRecord:
        """Raises ValueError, TypeError or KeyError for what no version of this has written."""
        known = {field.name for field in fields(cls)}
        task = {**given["task"], "input_shape": tuple(given["task"]["input_shape"])}
        made = {
            "task": TaskInfo(**task),
            "inputs": InputForm(**given["inputs"]),
            "targets": None if given["targets"] is None else TargetForm(**given["targets"]),
            "value": decode_number(given["value"]),
        }
        return cls(**{name: value for name, value in given.items() if name in known} | made)


def at_epoch(epoch: int, value: float) -> dict[str, str]:
    """The rest of a header."""
    return {_EPOCH: str(epoch), _VALUE: repr(value)}


def read_record(path: Path) -> ModelRecord:
    """Of a file of weights. Raises InputError where it is damaged, or says nothing of the kind."""
    try:
        with safe_open(path, framework="numpy") as file:
            says = file.metadata() or {}
        told = json.loads(says[_RECORD]) | {"epoch": int(says[_EPOCH]), "value": float(says[_VALUE])}
        if told["version"] != VERSION:
            cure = f"is of version {told['version']}, and this is version {VERSION}: use the tuner that wrote it"
            raise InputError("weights that cannot be read", (Fault(str(path), None, cure),))
        return ModelRecord.from_json(told)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        cure = f"is no file of weights that a trial kept ({type(error).__name__}: {error})"
        raise InputError("weights that cannot be read", (Fault(str(path), None, cure),)) from error
