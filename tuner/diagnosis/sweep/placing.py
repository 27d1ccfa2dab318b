"""Trials as points of the space: where a value lies between the bounds, and how likely a count is by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.records.trial import ParameterRecord, SweepRecord, TrialRecord
from tuner.records.values import Scalar

LEARNING_RATES = ("lr", "learning_rate")


def short(parameter: ParameterRecord) -> str:
    """`momentum` of `optimizer.sgd.momentum`."""
    return parameter.name.rsplit(".", 1)[-1]


def learning_rates(record: SweepRecord) -> list[ParameterRecord]:
    return [p for p in record.parameters if p.kind == "float" and short(p) in LEARNING_RATES]


def number(value: Scalar) -> float | None:
    """The value as a number, where it is one."""
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def of(trial: TrialRecord, parameter: ParameterRecord) -> float | None:
    """Where the trial lies on the parameter's axis; None where it has no such value."""
    return place(parameter, trial.config[parameter.name]) if parameter.name in trial.config else None


def place(parameter: ParameterRecord, value: Scalar) -> float | None:
    """0 at the lower bound, 1 at the upper one, on the parameter's own (linear or log) axis."""
    low, high, value = parameter.low, parameter.high, number(value)
    if low is None or high is None or high <= low or value is None:
        return None
    if parameter.log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) if value > 0 and low > 0 else None
    return (value - low) / (high - low)


def at(parameter: ParameterRecord, where: float) -> float:
    """The inverse of `place`; beyond 0 and 1 too."""
    low, high = float(parameter.low or 0.0), float(parameter.high or 0.0)
    value = low * (high / low) ** where if parameter.log else low + where * (high - low)
    return max(1, round(value)) if parameter.kind == "int" else float(f"{value:.2g}")


def at_least(successes: int, trials: int, chance: float) -> float:
    """Probability of at least so many successes by chance alone (binomial)."""
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(successes, trials + 1))


def hypergeometric(hits: int, drawn: int, marked: int, total: int) -> float:
    """Chance that `drawn` of `total` hold at least `hits` of the `marked` ones."""
    ways = sum(math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(hits, min(drawn, marked) + 1))
    return ways / math.comb(total, drawn)


def best_cut(values: Sequence[float], bad: Sequence[bool]) -> int:
    """Where to cut rising values so that most are on their side, the bad ones above: how many are below. The first of
    equally good cuts, never between equal values; 0 where there is none."""
    lost = sum(bad)
    best, cut, left = -1, 0, 0
    for i in range(1, len(values)):
        left += bad[i - 1]
        right = (lost - left) + (i - left)
        if right > best and values[i] > values[i - 1]:
            best, cut = right, i
    return cut
