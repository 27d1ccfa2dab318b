"""Trials as points of the space: where a value lies between the bounds, and which trials are the good ones."""

from __future__ import annotations

import math

from tuner.records.trial import DOOMED, FAILED, ParameterRecord, SweepRecord, TrialRecord
from tuner.records.values import Scalar


def good_trials(record: SweepRecord) -> list[TrialRecord]:
    """The best fifth of the trials that have a value, four at least, best first; none of fewer than eight."""
    sign = 1.0 if record.mode == "min" else -1.0
    able = [t for t in record.trials if t.value is not None and t.ending not in (DOOMED, FAILED)]
    able = sorted((t for t in able if math.isfinite(t.value or 0.0)), key=lambda t: (sign * (t.value or 0.0), t.number))
    return able[: max(4, len(able) // 5)] if len(able) >= 8 else []


def place(parameter: ParameterRecord, value: Scalar) -> float | None:
    """0 at the lower bound, 1 at the upper one, on the parameter's own (linear or log) axis."""
    low, high = parameter.low, parameter.high
    if low is None or high is None or high <= low or isinstance(value, bool) or not isinstance(value, int | float):
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
