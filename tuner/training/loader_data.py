"""Batches from a Dataset or a DataLoader of the user's own: the same interface as `device_data.DeviceData`.

A Dataset is drawn from in an order of the trial's own generator. A DataLoader is taken as it is: its batch size is its
own, and it draws its order from torch's global generator, which is this trial's while it computes. So either way a
trial that is resumed sees the batches that it would have seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from tuner.errors import Fault, InputError
from tuner.training.device_data import EVALUATED_TRAINING
from tuner.training.division import batch_sizes
from tuner.training.forms import InputForm
from tuner.training.loader_workers import LoaderWorkers
from tuner.training.own_task import OwnTask
from tuner.training.settings import Settings
from tuner.training.target_scale import TargetScale
from tuner.training.task_info import Streamed, TaskInfo

EVALUATED_BATCH = 256
"""Examples in a batch of an evaluation, where the data is a Dataset."""


class LoaderData:
    """One trial's data. A batch of two tensors is (x, y); any other goes to the task's `step` as x, y being None."""

    scale: TargetScale | None = None

    def __init__(
        self,
        own: OwnTask,
        streamed: Streamed,
        device: torch.device,
        settings: Settings,
        values: Mapping[str, Any],
        *,
        processes: int = 0,
    ) -> None:
        """`values`: all of this trial's settings by name. `processes`: load the batches of a Dataset, beside this one.

        Raises InputError for what only examples held by the tuner can have.
        """
        cure = "the examples come from a Dataset or a DataLoader of your own, which has to do it: leave it out"
        faults = [
            Fault(name, told, cure)
            for name, told, wrong in (
                ("standardise", settings.standardise, bool(settings.standardise)),
                ("targets", settings.targets, settings.targets != "raw"),
            )
            if wrong
        ]
        if faults:
            raise InputError("data that is taken as it comes", tuple(faults))
        self.task: TaskInfo = streamed.task
        self.device, self.data_hash, self.n_val = device, streamed.data_hash, streamed.n_val
        self.inputs = InputForm(streamed.dtype)
        self._own, self._processes = own, processes
        self._workers: LoaderWorkers | None = None
        self._train, self._val = (self._opened(own.part(name, values), name) for name in ("train", "val"))
        if isinstance(self._train, DataLoader) and "batch_size" in values and not own.takes_config("train"):
            cure = "the task's DataLoader has a batch size of its own: leave it out, or let `train` take the settings"
            raise InputError("a batch size that nobody takes", (Fault("batch_size", values["batch_size"], cure),))

    @property
    def n_eval(self) -> int:
        return min(self.task.n_train, self.n_val, EVALUATED_TRAINING)

    @property
    def nbytes(self) -> int:
        """Nothing is kept on the device."""
        return 0

    def baseline(self, loss: str) -> float | None:  # noqa: ARG002  (as DeviceData has it)
        """Unknown: it would take a pass over all targets."""
        return None

    def batch_sizes(self, batch_size: int) -> list[int]:
        if isinstance(self._train, DataLoader):
            size = self._train.batch_size or max(1, self.task.n_train // max(1, len(self._train)))
            return [size] * len(self._train)
        return batch_sizes(self.task.n_train, batch_size)

    def batches(self, batch_size: int, generator: torch.Generator) -> Iterator[Any]:
        if isinstance(self._train, DataLoader):
            return self._moved(self._train)
        order = torch.randperm(self.task.n_train, generator=generator).tolist()
        cuts = itertools.accumulate(self.batch_sizes(batch_size), initial=0)
        rows = [order[start:end] for start, end in itertools.pairwise(cuts)]
        seed = int(torch.randint(2**62, (), generator=generator)) if self._processes else 0
        return self._moved(self._loaded("train", rows, seed))

    def train_sample(self) -> Iterator[Any]:
        """Of a Dataset the same examples each time; of a DataLoader its first batches."""
        if isinstance(self._train, DataLoader):
            size = self.batch_sizes(0)[0]
            return self._moved(itertools.islice(self._train, max(1, self.n_eval // size)))
        rows = torch.randperm(self.task.n_train, generator=torch.Generator().manual_seed(0))[: self.n_eval].tolist()
        return self._moved(self._loaded("train", [rows[i] for i in _stretches(self.n_eval)]))

    def validation(self) -> Iterator[Any]:
        if isinstance(self._val, DataLoader):
            return self._moved(self._val)
        return self._moved(self._loaded("val", [range(self.n_val)[i] for i in _stretches(self.n_val)]))

    def _loaded(self, part: str, rows: Sequence[Sequence[int]], seed: int = 0) -> Iterable[Any]:
        """The batches of these rows of a Dataset; `seed`: of what it draws in the processes."""
        dataset = self._train if part == "train" else self._val
        if type(dataset) is TensorDataset:  # a whole batch at once, where a DataLoader would stack its examples
            tensors = dataset.tensors
            return ([tensor[torch.as_tensor(some)] for tensor in tensors] for some in rows)
        pinned = self.device.type == "cuda"
        if not self._processes:
            return DataLoader(dataset, batch_sampler=rows, pin_memory=pinned)  # type: ignore[arg-type]
        if self._workers is None:
            val = () if isinstance(self._val, DataLoader) else self._val
            train = () if isinstance(self._train, DataLoader) else self._train
            self._workers = LoaderWorkers(train, val, self._processes, pinned=pinned)
        return self._workers.batches(part, rows, seed)

    def _opened(self, found: Any, name: str) -> Any:
        if isinstance(found, tuple | list) and len(found) == 2 and all(torch.is_tensor(part) for part in found):
            return TensorDataset(*found)
        if isinstance(found, tuple | list) and len(found) == 2 and all(hasattr(part, "__array__") for part in found):
            return TensorDataset(*(torch.from_numpy(part) for part in found))
        if isinstance(found, DataLoader) or (hasattr(found, "__getitem__") and hasattr(found, "__len__")):
            return found
        cure = "it has to be a pair (x, y) of arrays or tensors, a Dataset with a length, or a DataLoader"
        raise InputError("data that cannot be read", (Fault(f"task {self._own.name}: {name}", None, cure),))

    def _moved(self, batches: Any) -> Iterator[Any]:
        for batch in batches:
            if isinstance(batch, tuple | list) and len(batch) == 2 and all(torch.is_tensor(part) for part in batch):
                yield batch[0].to(self.device, non_blocking=True), self._target(batch[1])
            elif self._own.step is None:
                cure = "a batch has to be two tensors (x, y), or the task needs a step(self, model, batch)"
                raise InputError("a batch of another form", (Fault("batch", type(batch).__name__, cure),))
            else:
                yield _to(batch, self.device), None

    def _target(self, y: torch.Tensor) -> torch.Tensor:
        y = y.to(self.device, non_blocking=True)
        if self.task.kind == "values":
            return y.float().reshape(len(y), *(y.shape[1:] or (1,)))
        return y


def _stretches(count: int) -> list[slice]:
    return [slice(start, start + EVALUATED_BATCH) for start in range(0, count, EVALUATED_BATCH)]


def _to(batch: Any, device: torch.device) -> Any:
    """Every tensor of a nested batch on the device."""
    if torch.is_tensor(batch):
        return batch.to(device, non_blocking=True)
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: _to(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(_to(part, device) for part in batch)
    return batch
