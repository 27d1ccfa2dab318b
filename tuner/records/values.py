"""The plain values that a configuration and an epoch are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping

Scalar = bool | int | float | str | None
"""What one parameter may be set to."""

Config = Mapping[str, Scalar]
"""Recorded parameter name (`optimizer.sgd.momentum`) -> value; only the parameters that are active."""

Metrics = Mapping[str, float]
"""Metric name -> value. NaN and infinities are values; a metric that was not measured is absent."""

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode_number(value: float) -> float | str:
    """A float that strict JSON can hold: the three that it cannot become words."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def decode_number(value: float | int | str) -> float:
    """The inverse of `encode_number`; raises ValueError for any other word."""
    if isinstance(value, str):
        if value not in _WORDS:
            raise ValueError(f"{value!r} is not a number, NaN, Infinity or -Infinity")
        return _WORDS[value]
    return float(value)


def encode_metrics(metrics: Metrics) -> dict[str, float | str]:
    return {name: encode_number(value) for name, value in metrics.items()}


def decode_metrics(metrics: Mapping[str, float | int | str]) -> dict[str, float]:
    return {name: decode_number(value) for name, value in metrics.items()}


def to_scalar(value: object) -> Scalar:
    """A numpy or torch number as the Python number that it is; anything else that is not plain raises."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    item = getattr(value, "item", None)
    if callable(item):
        plain = item()
        if isinstance(plain, bool | int | float | str):
            return plain
    raise TypeError(f"{value!r} is neither a number, a truth value nor text")
