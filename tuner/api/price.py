"""`tuner check --measure`: one batch through the smallest and the largest model, and what the sweep would cost."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep
from tuner.training.plan import TrainingPlan

if TYPE_CHECKING:
    from tuner.training.measure import Measurement

FAR_ABOVE = 1.5
"""Times the baseline: an untrained network's loss beyond it says that inputs or initialisation are off. A last layer of
unit variance alone costs about 1.2 times log 10."""


@dataclass(frozen=True)
class Price:
    """What was measured on this machine, and the most that the sweep can cost from it."""

    measured: tuple[Measurement, ...]
    most_epochs: int | None
    """Trainings (trials, and what is trained again on further seeds) times max_epochs, which
    pruning stays well below; None for a grid whose size is not asked for."""
    most_core_seconds: float | None
    """All of them with the dearest model that was measured, one after the other."""


def most_trainings(sweep: Sweep) -> int | None:
    """Where nothing is pruned; None for a grid whose size is not asked for."""
    search = sweep.search
    if search.trials is None:
        return None
    finals = 0 if search.finalists is None else search.finalists.top * search.finalists.seeds
    return search.trials * search.repeats + finals


def price(sweep: Sweep) -> Price:
    """Raises InputError for a loop of the user's own, or data that is not there."""
    from tuner.training.data import load_splits
    from tuner.training.measure import measure

    with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
        plan = TrainingPlan.from_sweep(sweep, RunDirectory(Path(scratch)))
        measured = measure(plan, load_splits(plan), sweep.space)
    trainings = most_trainings(sweep)
    epochs = None if trainings is None else trainings * sweep.search.max_epochs
    dearest = max(item.epoch_seconds for item in measured)
    return Price(measured, epochs, None if epochs is None else epochs * dearest)


def price_text(found: Price) -> str:
    """For a person: a few lines a model, and the total."""
    rows = []
    for item in found.measured:
        values = (f"{name} {_short(value)}" for name, value in item.config.items())
        rows.append(f"{item.which:10} {', '.join(values)}")
        if item.problem:
            rows.append(f"{'':10} cannot be trained: {item.problem}")
            continue
        rows.append(
            f"{'':10} {item.n_parameters:,} weights; batch {item.batch_size}: {1e3 * item.step_seconds:.3g} ms a step, "
            f"{item.epoch_seconds:.3g} s an epoch of {item.steps_per_epoch} steps; "
            f"{item.memory_bytes / 2**20:.3g} MiB"
        )
        told = f"{'':10} initial loss {item.initial_loss:.4g}"
        if item.baseline_loss is None:
            rows.append(told)
            continue
        told += f"; the best constant answer {item.baseline_loss:.4g}"
        if item.initial_loss > FAR_ABOVE * item.baseline_loss:
            told += " (far above it: standardise the inputs, or shrink the last layer's initialisation)"
        rows.append(told)
    if found.most_core_seconds is not None:
        rows.append(
            f"at most    {found.most_epochs:,} epochs, {_duration(found.most_core_seconds)} on one worker "
            "with the dearest model; stopping early saves most of them"
        )
    return "\n".join(rows)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
