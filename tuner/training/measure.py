"""What a sweep will cost, from one batch through its smallest and its largest model: for `tuner check --measure`."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tuner.errors import Fault, InputError
from tuner.records.values import Config
from tuner.space import Choice, Constant, Domain, Float, Int, Parameter, Space
from tuner.training.building import build_model, build_trainer, choose_device, loss_of
from tuner.training.catalogue import CATALOGUE
from tuner.training.data import Splits
from tuner.training.data_source import DataSource
from tuner.training.failures import CATCHABLE, failure_message
from tuner.training.loop import Trainer, batch_length
from tuner.training.plan import TrainingPlan
from tuner.training.settings import Part, read_settings
from tuner.training.task_info import Streamed
from tuner.training.trial_data import TrialData

CORNERS = 256
"""Models that are sized, at most; from more, as many are drawn."""
TIMED_STEPS = 5
"""After one that is not timed: the first allocates."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One model of the space, as measured on this machine."""

    which: str
    """`smallest`, `largest`, or `only` where all models of the space are of one size."""
    config: Config
    n_parameters: int
    batch_size: int
    steps_per_epoch: int
    step_seconds: float
    epoch_seconds: float
    """Projected: all steps, and the evaluations after them."""
    memory_bytes: int
    """Weights, gradients, optimizer state, what backward needs of one batch, and the data."""
    initial_loss: float
    baseline_loss: float | None
    """Of the best constant outputs: log C for C balanced classes; None where nobody knows. An untrained network's loss
    far above it says that inputs or initialisation are off."""
    problem: str = ""
    """Why it could not be measured; then the numbers are 0."""


def measure(plan: TrainingPlan, splits: Splits | Streamed, space: Space) -> tuple[Measurement, ...]:
    """The smallest model at a middling batch size, the largest with the largest batch: what memory has to hold."""
    if plan.task is None:
        cure = "leave --measure out, or give the sweep a task"
        raise InputError("a loop of your own cannot be measured", (Fault("loop", str(plan.loop), cure),))
    torch.set_num_threads(plan.cpu)
    sized = sorted(
        ((_size(plan, splits, config), index, config) for index, config in enumerate(_corners(space))),
        key=lambda item: item[:2],
    )
    smallest, largest = sized[0][2], sized[-1][2]
    source = DataSource(plan, splits, choose_device(plan.gpu))
    if sized[0][0] == sized[-1][0]:
        return (_measured("only", plan, source, _with_largest_batch(space, largest)),)
    return (
        _measured("smallest", plan, source, smallest),
        _measured("largest", plan, source, _with_largest_batch(space, largest)),
    )


def _corners(space: Space) -> list[dict[str, Any]]:
    """The extremes of what shapes the model, everything else at its default or in the middle."""
    shaping = Space(tuple(item for item in space.parameters if _shapes_the_model(item)))
    if shaping.grid_size(2) <= CORNERS:
        corners = list(shaping.grid(2))
    else:
        rng = np.random.default_rng(0)
        corners = [_corner(shaping, rng) for _ in range(CORNERS)]
    return [space.complete(corner) for corner in corners]


def _shapes_the_model(item: Parameter) -> bool:
    root = item.name.partition(".")[0]
    return root == "model" or CATALOGUE.trainer_parameter(root) is None


def _corner(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for item in space.parameters:
        if item in space.active(config):
            config[item.name] = _end(item.domain, rng)
    return config


def _end(domain: Domain, rng: np.random.Generator) -> Any:
    match domain:
        case Float() | Int():
            return (domain.low, domain.high)[int(rng.integers(2))]
        case Choice():
            return domain.options[int(rng.integers(len(domain.options)))]
        case Constant():
            return domain.value


def _with_largest_batch(space: Space, config: Mapping[str, Any]) -> dict[str, Any]:
    for item in space.parameters:
        if item.name == "batch_size":
            ends = itertools.chain.from_iterable(
                domain.options if isinstance(domain, Choice) else (domain.high,)
                for domain in (item.domain,)
                if isinstance(domain, Choice | Int)
            )
            return {**config, "batch_size": max(ends, key=lambda size: size if isinstance(size, int) else 0)}
    return dict(config)


def _size(plan: TrainingPlan, splits: Splits | Streamed, config: Config) -> int:
    """Its weights, counted without allocating them where its builder lets one; 0 where it cannot be built."""
    try:
        settings = read_settings(plan.settings(config), plan.model)
        try:
            with torch.device("meta"):
                model = build_model(settings, splits.task, plan.folder)
        except (RuntimeError, NotImplementedError):  # a builder that computes with its weights
            model = build_model(settings, splits.task, plan.folder)
    except CATCHABLE:  # told by the measurement of it, which comes first: nothing is smaller
        return 0
    return sum(weight.numel() for weight in model.parameters())


def _measured(which: str, plan: TrainingPlan, source: DataSource, config: Config) -> Measurement:
    try:
        values = plan.settings(config)
        settings = read_settings(values, plan.model)
        data, device = source.get(settings, values), source.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(plan.seed)
            trainer = build_trainer(settings, data, device, plan.max_epochs, plan.folder, source.own)
            initial = trainer.evaluate(data.train_sample())["loss"]
            loss = loss_of(settings, data.task, source.own)
            step_seconds, memory = _step(trainer, data)
            evaluation = _timed(lambda: trainer.evaluate(itertools.islice(data.validation(), 1)), device)
    except CATCHABLE as error:
        _, message = failure_message(error, "this model")
        return Measurement(which, config, 0, 0, 0, 0.0, 0.0, 0, 0.0, None, message)
    steps = len(data.batch_sizes(settings.batch_size))
    first = batch_length(*next(data.validation()))
    return Measurement(
        which=which,
        config=config,
        n_parameters=sum(weight.numel() for weight in trainer.weights),
        batch_size=settings.batch_size,
        steps_per_epoch=steps,
        step_seconds=step_seconds,
        epoch_seconds=steps * step_seconds + evaluation * (data.n_val + data.n_eval) / first,
        memory_bytes=memory + data.nbytes,
        initial_loss=float(initial),
        baseline_loss=data.baseline(loss.name) if isinstance(loss, Part) else None,
    )


def _step(trainer: Trainer, data: TrialData) -> tuple[float, int]:
    """Seconds of a step, and the bytes that a model holds while it is trained."""
    generator = torch.Generator().manual_seed(0)
    x, y = next(data.batches(trainer.batch_size, generator))
    weights = {weight.untyped_storage().data_ptr() for weight in trainer.model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        trainer.train_batch(x, y, generator)
    seconds = [_timed(lambda: trainer.train_batch(x, y, generator), trainer.device) for _ in range(TIMED_STEPS)]
    own = sum(weight.nbytes for weight in trainer.model.parameters())
    gradients = sum(weight.nbytes for weight in trainer.weights)
    state = sum(
        value.nbytes
        for values in trainer.optimizer.state.values()
        for value in values.values()
        if isinstance(value, torch.Tensor)
    )
    return statistics.median(seconds), own + gradients + state + sum(kept.values())


def _timed(work: Any, device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started
