"""JSON and JSON lines with the names of an input file; and which other tool wrote a JSON file.

A JSON file holds one object, a list of objects, or `{"histories": [...]}`; JSON lines hold an object a line, which is
a whole history or one epoch of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tuner.errors import Fault
from tuner.importers import huggingface, keras
from tuner.importers.mapping import build_history
from tuner.importers.names import curve_name
from tuner.importers.rows import gather
from tuner.records.history import History

_SPACE = " \t\r\n"


def is_lines(text: str) -> bool:
    """An object on the first line of several; else the object goes on over the lines."""
    rows = [row for row in text.split("\n", 4)[:4] if row.strip()]
    whole = rows[0].strip()
    return len(rows) > 1 and whole.startswith("{") and whole.endswith("}") and _is_json(whole)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def read(text: str, name: str) -> tuple[list[History], list[Fault]]:
    try:
        objects = list(_objects(text))
    except json.JSONDecodeError as error:
        return [], [Fault("file", None, f"is not JSON: {error.msg}", error.lineno)]
    if len(objects) == 1:
        whole = objects[0][2]
        if huggingface.recognises(whole):
            return huggingface.read(whole, name)
        if keras.recognises_object(whole):
            return keras.read_object(whole, name)
    histories: list[History] = []
    faults: list[Fault] = []
    for number, (start, stop, item) in enumerate(objects, 1):
        if not isinstance(item, Mapping):
            fault = Fault(f"[{number - 1}]", item, "an object with `train_loss` or `val_loss`", _line(text, start))
            faults.append(fault)
            continue
        history, own = build_history(
            item,
            name if len(objects) == 1 else str(number),
            partial(_line_of_key, text, start, stop),
        )
        faults += own
        if history is not None:
            histories.append(history)
    return histories, faults


def _objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """(start, stop, object) for each history of a JSON text; its decoder tells where one ends."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at] != "[":
        value, stop = decoder.raw_decode(text, at)
        if _skip(text, stop) < len(text):
            raise json.JSONDecodeError("more after the end of the object", text, _skip(text, stop))
        inner = value.get("histories") if isinstance(value, Mapping) else None
        yield from ((at, stop, item) for item in inner) if isinstance(inner, list) else [(at, stop, value)]
        return
    at = _skip(text, at + 1)
    while at < len(text) and text[at] != "]":
        value, stop = decoder.raw_decode(text, at)
        yield at, stop, value
        at = _skip(text, stop)
        if at < len(text) and text[at] == ",":
            at = _skip(text, at + 1)
        elif at < len(text) and text[at] != "]":
            raise json.JSONDecodeError("expected a comma or the end of the list", text, at)
    if at >= len(text):
        raise json.JSONDecodeError("the list has no end", text, len(text) - 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _line_of_key(text: str, start: int, stop: int, key: str) -> int:
    found = text.find(json.dumps(key), start, stop) if key else -1
    return _line(text, found if found >= 0 else start)


def read_lines(text: str, name: str) -> tuple[list[History], list[Fault]]:
    """A whole history in each line, or an epoch in each."""
    histories: list[History] = []
    rows: list[tuple[int, Mapping[str, Any]]] = []
    faults: list[Fault] = []
    for line, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        try:
            item = json.loads(row)
        except json.JSONDecodeError as error:
            faults.append(Fault("line", None, f"is not JSON: {error.msg}", line))
            continue
        if not isinstance(item, Mapping):
            faults.append(Fault("line", item, "an object: a history, or one epoch of one", line))
        elif any(isinstance(value, list) and curve_name(key) for key, value in item.items()):
            history, own = build_history(item, str(line), line)
            faults += own
            histories += [history] if history else []
        else:
            rows.append((line, item))
    if rows:
        gathered, own_faults = gather(rows, name, empty_is_unknown=False)
        return histories + gathered, faults + own_faults
    return histories, faults
