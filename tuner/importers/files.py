"""Files of histories: which tool wrote one is seen by what stands in it, never by its name alone.

| file | recognised by |
|---|---|
| JSON, JSON lines | its first letter, `{` or `[`, and where the first object ends |
| Hugging Face `trainer_state.json` | an object with a list `log_history` |
| Keras `History.history` | an object of lists with `loss`, or one with such a `history` |
| TensorBoard events | their first record; a folder by the event files below it |
| Lightning `metrics.csv` | columns `epoch` and `step` |
| Keras CSVLogger | `epoch` from 0, then `loss` among sorted names |
| CSV | anything else that is text |

JSON and CSV may be gzipped.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.importers import csv_files, json_files, tensorboard
from tuner.records.history import History

READ = "histories as JSON, JSON lines or CSV, or what TensorBoard, Lightning, Hugging Face or Keras logged"
_OTHERS = {
    b"SQLite format 3": "a SQLite database (of MLflow? then: tuner diagnose mlflow:EXPERIMENT --uri sqlite:///FILE)",
    b"PK\x03\x04": "a zip archive (a checkpoint of PyTorch or Keras is one)",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a picture",
    b"\x80": "a Python pickle",
    b"%PDF": "a PDF file",
}
_COMMON = ("metrics", "trainer_state", "history", "log", "logs")
"""File names that say nothing: their folder names the history then."""


def read_histories(path: Path) -> list[History]:
    """Every history of the file, or of the event files below the folder. Raises InputError with all of its faults."""
    if path.is_dir():
        return _told(path, *tensorboard.read(path))
    raw = _read(path)
    if tensorboard.recognises(raw):
        return _told(path, *tensorboard.read(path))
    text, name = _text(path, raw), _name(path)
    if not text.strip():
        raise InputError(str(path), (Fault("file", None, f"is empty: expected {READ}"),))
    start = text.lstrip()[:1]
    if start not in "[{":
        return _told(path, *csv_files.read(text, name))
    if json_files.is_lines(text):
        return _told(path, *json_files.read_lines(text, name))
    return _told(path, *json_files.read(text, name))


def _told(path: Path, histories: list[History], faults: list[Fault]) -> list[History]:
    if faults:
        raise InputError(str(path), tuple(sorted(faults, key=lambda fault: fault.line or 0)))
    return histories


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), (Fault("file", None, f"cannot be read: {error}"),)) from None


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = next((what for start, what in _OTHERS.items() if raw.startswith(start)), None)
        found = found or f"not text in UTF-8 (byte {error.start})"
        raise InputError(str(path), (Fault("file", None, f"is {found}: expected {READ}"),)) from None


def _name(path: Path) -> str:
    """The id of a history that has none."""
    name = path.name.split(".")[0]
    return path.resolve().parent.name or name if name in _COMMON else name
