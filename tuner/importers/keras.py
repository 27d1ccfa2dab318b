"""Keras: `History.history` as JSON (or the whole History with its `epoch`), and the CSVLogger's file.

Keras names training's curves without a prefix (`loss`, `accuracy`) and counts epochs from 0. Its training loss is the
running mean of the epoch, in training mode. The CSVLogger writes NaN as `nan` and what was not measured as `NA`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner.errors import Fault
from tuner.importers.mapping import build_history
from tuner.importers.names import ID
from tuner.importers.rows import gather
from tuner.records.history import History


def recognises_object(data: object) -> bool:
    """A mapping of lists with `loss`, none of our own names in it; or `{"history": such a mapping, ...}`."""
    if not isinstance(data, dict):
        return False
    curves = data.get("history", data)
    if not isinstance(curves, dict) or "loss" not in curves or curves.keys() & {"epoch", "train_loss"}:
        return False
    return all(isinstance(given, list) for given in curves.values())


def recognises_header(header: Sequence[str], first: Mapping[str, str]) -> bool:
    """`epoch`, then the names of the logs, sorted, and epochs from 0: so the CSVLogger writes them."""
    logs = list(header[1:])
    return header[0] == "epoch" and first.get("epoch") == "0" and "loss" in logs and logs == sorted(logs)


def read_object(data: dict[str, Any], name: str) -> tuple[list[History], list[Fault]]:
    known: dict[str, Any] = {}
    curves = data
    if isinstance(data.get("history"), dict):
        curves, given, params = data["history"], data.get("epoch"), data.get("params")
        if isinstance(given, list) and given and all(isinstance(epoch, int) for epoch in given):
            known["epoch"] = [epoch + (1 if given[0] == 0 else 0) for epoch in given]
        if isinstance(params, dict) and isinstance(params.get("epochs"), int):
            known["max_epochs"] = params["epochs"]
        known |= {key: data[key] for key in ID if key in data}
    history, faults = build_history({"train_eval": "epoch_mean", **curves, **known}, name, None)
    return ([history] if history else []), list(faults)


def read_rows(rows: Iterable[tuple[int, Mapping[str, str]]], name: str) -> tuple[list[History], list[Fault]]:
    return gather(map(_row, rows), name, empty_is_unknown=False)


def _row(numbered: tuple[int, Mapping[str, str]]) -> tuple[int, Mapping[str, Any]]:
    line, row = numbered
    shown: dict[str, Any] = {key: "" if cell == "NA" else cell for key, cell in row.items()}
    if row["epoch"].isdigit():
        shown["epoch"] = int(row["epoch"]) + 1
    return line, {**shown, "train_eval": "epoch_mean"}
