"""Rows of an epoch each, as CSV files and JSON lines have them, gathered into one object a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import Fault
from tuner.importers.mapping import build_history, number
from tuner.importers.names import EPOCH, ID, curve_names, fact_name
from tuner.records.history import History

_CELL = "a number, NaN or inf; left empty where it was not measured"


@dataclass
class _Rows:
    """One history while its rows come in: epoch -> curve -> value."""

    epochs: dict[int, dict[str, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    line: int = 0


def gather(
    rows: Iterable[tuple[int, Mapping[str, Any]]], default_id: str, *, empty_is_unknown: bool
) -> tuple[list[History], list[Fault]]:
    """Histories of (line, row) pairs, a history for each `id`, in the order of their first rows.

    Rows of one epoch complete each other; where both have a value the later one counts, as in the log of a run that
    was resumed. `empty_is_unknown`: the file has no way to write NaN, so an empty cell may be one.
    """
    found: dict[str, _Rows] = {}
    faults: list[Fault] = []
    columns: dict[str, str | None] = {}
    said_nan = False
    for line, row in rows:
        name = default_id
        for key in ID:
            if row.get(key) not in (None, ""):
                name = str(row[key])
                break
        mine = found.setdefault(name, _Rows(line=line))
        epoch = _epoch(row, mine, line, faults)
        values = mine.epochs.setdefault(epoch, {})
        if not columns.keys() >= row.keys():
            known = dict.fromkeys([*columns, *row])
            columns = {**dict.fromkeys(known), **curve_names(known)}
        for key, cell in row.items():
            curve = columns.get(key)
            if curve is None:
                if cell not in (None, "") and key not in mine.facts and (fact_name(key) or key == "config"):
                    mine.facts[key] = cell
                continue
            if cell is None or cell == "":
                continue
            value = number(cell)
            if value is None:
                faults.append(Fault(key, cell, _CELL, line))
            else:
                said_nan = said_nan or value != value
                values[curve] = value
    histories = []
    for name, mine in found.items():
        if faults:
            break
        history, own = build_history(
            _object(name, mine), name, mine.line, gaps_unknown=empty_is_unknown and not said_nan
        )
        faults += own
        if history is not None:
            histories.append(history)
    return histories, faults


def _epoch(row: Mapping[str, Any], mine: _Rows, line: int, faults: list[Fault]) -> int:
    for key in EPOCH:
        cell = row.get(key)
        if cell not in (None, ""):
            value = number(cell)
            if value is None or not float(value).is_integer():
                faults.append(Fault(key, cell, "a whole number", line))
                return max(mine.epochs, default=0) + 1
            return int(value)
    return max(mine.epochs, default=0) + 1


def _object(name: str, mine: _Rows) -> dict[str, Any]:
    epochs = sorted(mine.epochs)
    curves = dict.fromkeys(curve for values in mine.epochs.values() for curve in values)
    columns = {curve: [mine.epochs[epoch].get(curve) for epoch in epochs] for curve in curves}
    return {**mine.facts, "id": name, "epoch": epochs, **columns}
