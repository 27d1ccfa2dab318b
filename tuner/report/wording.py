"""How reports write numbers, durations, configurations and whatever text a user chose."""

from __future__ import annotations

import math
import shlex

from tuner.records.values import Config, Scalar

NOTHING = "–"
"""Stands where there is no value."""


def printable(text: object) -> str:
    """One line without control characters: a user's name or error cannot steer the terminal or break the table."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)).strip()


def number(value: float | int | None, digits: int = 4) -> str:
    """`0.2134`, `1e-05`, `NaN`, `infinite`; whole numbers whole."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    return f"{value:.{digits}g}"


def scalar(value: Scalar) -> str:
    """A parameter's value as a sweep file would write it."""
    if value is None:
        return "null"
    return printable(value) if isinstance(value, str) else number(value)


def settings(config: Config) -> str:
    """`lr=0.003 optimizer=sgd`: the form that `--config` takes, quoted for a shell where that is needed."""
    return " ".join(shlex.quote(f"{printable(name)}={scalar(value)}") for name, value in config.items())


def duration(seconds: float | None) -> str:
    """`0.8 s`, `42 s`, `3 min 05 s`, `2 h 03 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(amount: int, one: str, many: str = "") -> str:
    """`1 trial`, `3 trials`."""
    return f"{amount} {one if amount == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """`34 %` of a share of 0.34."""
    return f"{100 * share:.0f} %"


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
