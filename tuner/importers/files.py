"""History files: JSON, JSON lines and CSV, told apart by what stands in them; plain or gzipped.

A JSON file holds one object, a list of objects, or `{"histories": [...]}`; JSON lines hold an object a line, which is
a whole history or one epoch of one; CSV one row an epoch, with an `id` column for many histories.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError
from tuner.importers.mapping import build_history
from tuner.importers.names import curve_name
from tuner.importers.rows import gather
from tuner.records.history import History

_SPACE = " \t\r\n"


def read_histories(path: Path) -> list[History]:
    """Every history of the file. Raises InputError with all of its faults, each with its line."""
    text, name = _read(path)
    if not text.strip():
        raise InputError(str(path), (Fault("file", None, "is empty: expected histories as JSON, JSON lines or CSV"),))
    kind = _kind(text)
    if kind == "lines":
        histories, faults = _read_lines(text, name)
    elif kind == "json":
        histories, faults = _read_json(text, name)
    else:
        histories, faults = _read_csv(text, name)
    if faults:
        raise InputError(str(path), tuple(sorted(faults, key=lambda fault: fault.line or 0)))
    return histories


def _read(path: Path) -> tuple[str, str]:
    """The file's text, and its name without endings: the id of a history that has none."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig"), path.name.split(".")[0]
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), (Fault("file", None, f"cannot be read: {error}"),)) from None
    except UnicodeDecodeError as error:
        fault = Fault("file", None, f"is not text in UTF-8 (byte {error.start}): expected JSON, JSON lines or CSV")
        raise InputError(str(path), (fault,)) from None


def _kind(text: str) -> str:
    start = text.lstrip()[:1]
    if start == "[":
        return "json"
    if start != "{":
        return "csv"
    rows = [row for row in text.split("\n", 4)[:4] if row.strip()]
    whole = rows[0].strip()
    return "lines" if len(rows) > 1 and whole.endswith("}") and _is_json(whole) else "json"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read_json(text: str, name: str) -> tuple[list[History], list[Fault]]:
    try:
        objects = list(_objects(text))
    except json.JSONDecodeError as error:
        return [], [Fault("file", None, f"is not JSON: {error.msg}", error.lineno)]
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


def _read_lines(text: str, name: str) -> tuple[list[History], list[Fault]]:
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


def _read_csv(text: str, name: str) -> tuple[list[History], list[Fault]]:
    head = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [column.strip() for column in next(reader)]
    if not any(curve_name(column) for column in header):
        cure = "the first line has to name the columns, `train_loss` or `val_loss` among them"
        return [], [Fault("columns", ", ".join(header)[:80], cure, 1)]
    faults: list[Fault] = []

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                cure = f"has {len(cells)} cells where the first line names {len(header)} columns"
                faults.append(Fault("row", None, cure, reader.line_num))
                continue
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))

    histories, own = gather(rows(), name, empty_is_unknown=True)
    return histories, faults + own
