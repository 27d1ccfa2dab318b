"""`tuner lr-range`: which learning rates train a configuration, and how the sweep file's own range lies against them.

First the rate rises from `low` to `high` over some iterations (`training/lr_curve.py`), on a few seeds. Then the rate
of steepest descent, its third and its threefold are each trained for as many iterations, unchanging, and so on outwards
as long as the loss drops by SHARE of the best drop or more: these make the range, and the best of them is suggested.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.api.one import chosen_config
from tuner.control.trials import trial_seed
from tuner.errors import Fault, InputError, RunError, TunerError
from tuner.records.run_directory import RunDirectory
from tuner.records.values import Config, encode_number
from tuner.space import Float, Int, Parameter
from tuner.sweep import Sweep
from tuner.training.failures import CATCHABLE, failure_message
from tuner.training.lr_curve import Ramp, end_of, geometric, ramp_of
from tuner.training.plan import TrainingPlan

if TYPE_CHECKING:
    from tuner.training.lr_range import RangeTest

LR = "lr"
SHARE = 0.25
"""Of the best drop: what a rate of the range reaches at least. docs/log.md has the sweeps that it was held against."""
MOST = 14
"""Rates that are trained at, at most."""
FEWEST = 20
"""Iterations: with fewer the ramp's steps are too large to see where the loss falls."""


@dataclass(frozen=True)
class Tried:
    """One unchanging rate."""

    rate: float
    loss: float
    """After all iterations, median of the seeds; infinite where most of them diverged."""
    drop: float
    """From the untrained network's loss; -infinity where it diverged."""


@dataclass(frozen=True)
class LrRange:
    """What the test came to."""

    config: Config
    parameter: str
    """The learning rate's recorded name: `lr`, or `optimizer.sgd.lr` where the optimizer has one of its own."""
    iterations: int
    seeds: int
    ramp: Ramp
    tried: tuple[Tried, ...]
    """In rising order."""
    suggested: float | None
    """The rate with the largest drop; None where the loss fell at no rate."""
    range: tuple[float, float] | None
    """For the space."""
    own: tuple[float, float] | float | None
    """The file's: a range, or the one value that it has there."""
    says: str
    """How the file's own range lies against it."""

    @property
    def written(self) -> str:
        """As a sweep file has it; empty where there is no range."""
        if self.range is None:
            return ""
        return f"{self.parameter}: {{float: [{self.range[0]:.0e}, {self.range[1]:.0e}], log: true}}"

    def to_json(self) -> dict[str, Any]:
        return {
            "config": dict(self.config),
            "parameter": self.parameter,
            "iterations": self.iterations,
            "seeds": self.seeds,
            "start": encode_number(self.ramp.start),
            "rates": list(self.ramp.rates),
            "losses": [encode_number(loss) for loss in self.ramp.losses],
            "steepest": self.ramp.steepest,
            "edge": self.ramp.edge,
            "tried": [{"lr": t.rate, "loss": encode_number(t.loss), "drop": encode_number(t.drop)} for t in self.tried],
            "suggested": self.suggested,
            "range": None if self.range is None else list(self.range),
            "own": list(self.own) if isinstance(self.own, tuple) else self.own,
            "says": self.says,
        }


def lr_range(
    what: str,
    *,
    config: Mapping[str, str],
    overrides: Mapping[str, str],
    flags: Mapping[str, str],
    runs: Path,
    low: float = 1e-7,
    high: float = 10.0,
    iterations: int = 100,
    seeds: int = 3,
    say: Callable[[str], object] = str,
) -> LrRange:
    """Of one configuration of a sweep, or of a trial of a run (`RUN/0017`); values that `config` does not give come
    from the defaults, else from the seed's first suggestion, as in `tuner train`. Writes nothing.

    Raises InputError for what is wrong with the input, RunError where the training itself failed.
    """
    _check(low, high, iterations, seeds)
    sweep, chosen, _ = chosen_config(what, config, overrides, flags, runs)
    if sweep.task is None:
        cure = (
            "the rate is set step by step inside the built-in trainer: give the sweep a task, or do this in your loop"
        )
        raise InputError("a loop of your own has no range test", (Fault("loop", sweep.loop, cure),))
    say("config " + ", ".join(f"{name}={value}" for name, value in chosen.items()))
    try:
        with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
            plan = replace(TrainingPlan.from_sweep(sweep, RunDirectory(Path(scratch))), runs=str(runs))
            test = _prepared(plan, chosen)
            numbers = [trial_seed(sweep.seed, number) for number in range(seeds)]
            rates = geometric(low, high, iterations)
            say(f"{iterations} iterations while the rate rises from {low:g} to {high:g}, {seeds} times")
            ramp = ramp_of(rates, [test.losses(seed, rates) for seed in numbers])
            tried = () if ramp.steepest is None else _outwards(test, ramp, numbers, iterations, (low, high), say)
    except TunerError:
        raise
    except CATCHABLE as error:
        _, message = failure_message(error, ", ".join(f"{name} {value}" for name, value in chosen.items()))
        raise RunError("".join(traceback.format_exception(error)) + message) from error
    return _judged(sweep, chosen, iterations, seeds, ramp, tried)


def _check(low: float, high: float, iterations: int, seeds: int) -> None:
    faults = []
    if not (0 < low < math.inf):
        faults.append(Fault("--from", low, "a rate above 0"))
    if not (low < high < math.inf):
        faults.append(Fault("--to", high, f"a rate above --from, which is {low:g}"))
    if iterations < FEWEST:
        faults.append(Fault("--iterations", iterations, f"{FEWEST} or more: with fewer nothing is seen"))
    if seeds < 1:
        faults.append(Fault("--seeds", seeds, "1 or more"))
    if faults:
        raise InputError("tuner lr-range", tuple(faults))


def _prepared(plan: TrainingPlan, config: Config) -> RangeTest:
    from tuner.training.data import load_splits
    from tuner.training.lr_range import RangeTest

    return RangeTest(plan, load_splits(plan), config)


def _outwards(
    test: RangeTest,
    ramp: Ramp,
    seeds: Sequence[int],
    iterations: int,
    ends: tuple[float, float],
    say: Callable[[str], object],
) -> tuple[Tried, ...]:
    """The steepest rate, then its neighbours on both sides as long as they are worth their place in a range."""
    assert ramp.steepest is not None
    middle = _step_of(ramp.steepest)
    found: dict[int, Tried] = {}

    def tried(step: int) -> bool:
        """Whether there is such a rate, and it is worth a place."""
        rate = _rate_of(step)
        if not ends[0] <= rate <= ends[1] or len(found) >= MOST:
            return False
        if step not in found:
            say(f"{iterations} iterations at {rate:g}, {len(seeds)} times")
            finals = [end_of(test.losses(seed, [rate] * iterations), iterations) for seed in seeds]
            loss = statistics.median(finals)
            found[step] = Tried(rate, loss, ramp.start - loss)
        return found[step].drop >= SHARE * max(0.0, max(one.drop for one in found.values()))

    for step in (middle, middle - 1, middle + 1):
        tried(step)
    for direction in (-1, 1):
        step = middle + direction
        while tried(step):
            step += direction
    return tuple(found[step] for step in sorted(found))


def _step_of(rate: float) -> int:
    """The nearest of 1, 3, 10, 30, ...: each about three times the one before."""
    return round(2 * math.log10(rate))


def _rate_of(step: int) -> float:
    power, half = divmod(step, 2)
    return float(f"{3 if half else 1}e{power}")


def _judged(sweep: Sweep, config: Config, iterations: int, seeds: int, ramp: Ramp, tried: tuple[Tried, ...]) -> LrRange:
    item = _parameter(sweep, config)
    name = LR if item is None else item.name
    own: tuple[float, float] | float | None = None
    if item is not None and isinstance(item.domain, Float | Int):
        own = float(item.domain.low), float(item.domain.high)
    elif isinstance(value := config.get(name, sweep.fixed.get(name)), int | float):
        own = float(value)
    best = max(tried, key=lambda one: one.drop, default=None)
    if best is None or best.drop <= 0:
        says = (
            f"the loss falls at no rate from {ramp.rates[0]:g} to {ramp.rates[-1]:g}: "
            "look at initialisation, inputs and loss first"
        )
        return LrRange(config, name, iterations, seeds, ramp, tried, None, None, own, says)
    worth = [one.rate for one in tried if one.drop >= SHARE * best.drop]
    found = min(worth), max(worth)
    return LrRange(config, name, iterations, seeds, ramp, tried, best.rate, found, own, against(own, found))


def _parameter(sweep: Sweep, config: Config) -> Parameter | None:
    """The one that holds for this configuration: that of the branch before one at the top."""
    named = [item for item in sweep.space.active(config) if item.name.rpartition(".")[2] == LR]
    return max(named, key=lambda item: item.name.count("."), default=None)


def against(own: tuple[float, float] | float | None, found: tuple[float, float]) -> str:
    """How the file's range lies against the one that was found."""
    low, high = found
    if own is None:
        return "the file searches no learning rate"
    if isinstance(own, float):
        inside = "inside" if low <= own <= high else "below" if own < low else "above"
        return f"the file has the one rate {own:g}, {inside} that range"
    if own[1] < low or own[0] > high:
        return f"the file's {_text(own)} lies {'below' if own[1] < low else 'above'} it altogether"
    parts = []
    if own[0] > low:
        parts.append(f"begins above {low:g}")
    if own[1] < high:
        parts.append(f"ends below {high:g}")
    if parts:
        return f"the file's {_text(own)} {' and '.join(parts)}, though those rates train too"
    beyond = [f"below {low:g}" if own[0] < low else "", f"above {high:g}" if own[1] > high else ""]
    wide = " and ".join(part for part in beyond if part)
    return f"the file's {_text(own)} covers it" + (f"; {wide} a loss drops little or diverges" if wide else "")


def _text(own: tuple[float, float]) -> str:
    return f"{own[0]:g} to {own[1]:g}"
