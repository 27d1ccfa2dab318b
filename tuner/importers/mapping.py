"""One history from an object with the names of an input file; every fault of it, with its line where there is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.importers.names import ID, REAL, SETTINGS, TEXT, TRAIN_EVALS, WHOLE, curve_names, fact_name
from tuner.records.history import Curve, History
from tuner.records.values import Scalar

_WORDS = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}
_NUMBER = 'a number, null where it was not measured, or "NaN", "Infinity", "-Infinity"'

Lines = Callable[[str], int | None] | int | None
"""Says in which line of the file a key stands; one line for all of them; or None: there is no file."""


def history_from_mapping(data: Mapping[str, Any]) -> History:
    """The history of an object such as `{"train_loss": [...], "val_loss": [...], "num_classes": 10}`.

    Keys that are not a history's are ignored. Raises InputError with every fault.
    """
    history, faults = build_history(data, "history", None)
    if history is None:
        raise InputError("not a history", faults)
    return history


def build_history(
    data: Mapping[str, Any], default_id: str, lines: Lines, *, gaps_unknown: bool = False
) -> tuple[History | None, tuple[Fault, ...]]:
    """The history, or None and the reasons."""

    def line_of(key: str) -> int | None:
        return lines(key) if callable(lines) else lines

    faults: list[Fault] = []
    curves: dict[str, Curve] = {}
    missing: dict[str, npt.NDArray[np.bool_]] = {}
    for key, name in curve_names(key for key, given in data.items() if _is_list(given)).items():
        values, gaps, bad = _numbers(data[key])
        faults += [Fault(f"{key}[{at}]", found, _NUMBER, line_of(key)) for at, found in bad]
        curves[name] = values
        if gaps.any():
            missing[name] = gaps
    facts = _facts(data, line_of, faults)
    if not any(name.startswith(("train_", "val_")) for name in curves):
        keys = ", ".join(map(str, list(data)[:8])) or "nothing"
        cure = "needs a list `train_loss` or `val_loss` (or an accuracy), one value an epoch"
        faults.append(Fault("train_loss", f"keys: {keys}", cure, line_of("")))
    epoch = _epochs(data, curves, facts, line_of, faults)
    if faults:
        return None, tuple(faults)
    return (
        History(
            id=str(next((data[key] for key in ID if isinstance(data.get(key), str | int)), default_id)),
            curves=curves,
            epoch=epoch,
            missing=missing,
            steps_per_epoch=facts.get("steps_per_epoch"),
            train_eval=facts.get("train_eval"),
            initial_loss=facts.get("initial_loss"),
            baseline_loss=facts.get("baseline_loss"),
            num_classes=facts.get("num_classes"),
            n_train=facts.get("n_train"),
            n_val=facts.get("n_val"),
            max_epochs=facts.get("max_epochs", facts.get("epochs")),
            task=facts.get("task"),
            config=_config(data),
            gaps_unknown=gaps_unknown and bool(missing),
        ),
        (),
    )


def number(given: object) -> float | None:
    """A number or one of its words; None for what is neither. Truth values are no numbers."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int | float | np.integer | np.floating):
        try:
            return float(given)
        except OverflowError:
            return math.inf if given > 0 else -math.inf
    if isinstance(given, str):
        word = given.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        try:
            return float(word)
        except ValueError:
            return None
    return None


def _is_list(given: object) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes)


def _numbers(given: Sequence[Any]) -> tuple[Curve, npt.NDArray[np.bool_], list[tuple[int, object]]]:
    """Values, where they are missing, and what is no number with its place."""
    try:
        plain = np.asarray(given)
        if plain.dtype.kind in "fiu" and plain.ndim == 1:
            return plain.astype(np.float64), np.zeros(len(plain), bool), []
    except (ValueError, OverflowError):
        pass  # ragged or huge: looked at one by one
    values, gaps, bad = np.full(len(given), np.nan), np.zeros(len(given), bool), []
    for at, item in enumerate(given):
        if item is None:
            gaps[at] = True
            continue
        value = number(item)
        if value is None:
            bad.append((at, item))
        else:
            values[at] = value
    return values, gaps, bad


def _facts(data: Mapping[str, Any], line_of: Callable[[str], int | None], faults: list[Fault]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, given in data.items():
        name = fact_name(key)
        if name is None or given is None or name in SETTINGS or _is_list(given):
            continue
        value = number(given)
        if name in WHOLE:
            if value is None or not value.is_integer() or value < 1:
                faults.append(Fault(key, given, "a whole number from 1", line_of(key)))
            else:
                facts[name] = int(value)
        elif name in REAL:
            if value is None:
                faults.append(Fault(key, given, "a number", line_of(key)))
            elif math.isfinite(value):
                facts[name] = value
        elif name == "train_eval" and given not in TRAIN_EVALS:
            faults.append(Fault(key, given, f"one of {', '.join(TRAIN_EVALS)}", line_of(key)))
        elif name in TEXT:
            facts[name] = str(given)
    return facts


def _epochs(
    data: Mapping[str, Any],
    curves: Mapping[str, Curve],
    facts: Mapping[str, Any],
    line_of: Callable[[str], int | None],
    faults: list[Fault],
) -> npt.NDArray[np.int64]:
    """The epochs of the curves; faults where the curves are of different lengths."""
    given = data.get("epoch")
    by_step = {"train_loss"} if facts.get("steps_per_epoch", 1) > 1 else set()
    lengths = {name: len(curve) for name, curve in curves.items() if name not in by_step}
    if given is not None and _is_list(given):
        values, gaps, bad = _numbers(given)
        whole = not bad and not gaps.any() and bool(np.isfinite(values).all()) and bool((values % 1 == 0).all())
        if not whole or (np.diff(values) <= 0).any():
            faults.append(Fault("epoch", None, "whole numbers, each above the one before", line_of("epoch")))
            return np.zeros(0, np.int64)
        epoch = values.astype(np.int64)
    else:
        count = max(lengths.values(), default=0)
        if not lengths and "train_loss" in curves:
            count = -(-len(curves["train_loss"]) // int(facts["steps_per_epoch"]))
        epoch = np.arange(1, count + 1)
    for name, length in lengths.items():
        if length != len(epoch):
            cure = (
                f"has {length} values where {len(epoch)} epochs are given: one value an epoch, null where there is none"
            )
            if name == "train_loss" or length < len(epoch):
                cure += "; for one training loss a step, give `steps_per_epoch`"
            faults.append(Fault(name, None, cure, line_of(name)))
    return epoch


def _config(data: Mapping[str, Any]) -> dict[str, Scalar]:
    config: dict[str, Scalar] = {}
    whole = data.get("config")
    if isinstance(whole, Mapping):
        config.update(_flat(whole, ""))
    for key, given in data.items():
        if fact_name(key) in SETTINGS and isinstance(given, str | int | float) and key not in config:
            value = number(given)
            config[key] = given if isinstance(given, int) else value if value is not None else given
    return config


def _flat(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Scalar]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, bool | int | float | str):
            yield f"{prefix}{key}", value
