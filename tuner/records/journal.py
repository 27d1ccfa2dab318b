"""The journal: every event of a sweep, one JSON line each, appended and flushed as it happens.

It is the truth to resume from; MLflow, the report, Optuna's study and a resumed sweep are rebuilt from it. The driver
alone writes it, under a lock that the kernel frees when the driver dies. A last line that was cut off in the middle is
dropped at the next opening. Kinds of lines and their keys stand in `records/fold.py`, which reads them.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tuner.errors import Fault, InputError, RunError

VERSION = 1
Line = Mapping[str, Any]


class Journal:
    """An open journal that this process alone may append to.

    Raises InputError where another driver holds the lock, RunError where the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("a+b", buffering=0)
        except OSError as error:
            raise RunError(f"{path}: cannot be opened for writing: {error}") from error
        self._lock()
        self.lines: list[Line] = self._recover()
        """What was in the journal when it was opened, the torn last line left out."""

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self.path)
            self._file.close()
            raise InputError(
                "this run has a driver already",
                (Fault(str(self.path.parent), holder, "wait until it ends, or stop it; then resume"),),
            ) from None
        holder_path(self.path).write_text(f"pid {os.getpid()} on {socket.gethostname()}\n")

    def _recover(self) -> list[Line]:
        self._file.seek(0)
        raw = self._file.read()
        end = raw.rfind(b"\n") + 1
        if end < len(raw):  # the last driver died within a line
            self._file.truncate(end)
        return list(_parse(raw[:end], self.path))

    def append(self, line: Line) -> None:
        """Write one line through to the operating system: a killed process loses nothing of it."""
        self.append_many((line,))

    def append_many(self, lines: tuple[Line, ...] | list[Line]) -> None:
        """Write several lines at once; either all of a batch's whole lines survive a kill, or a prefix of them."""
        data = b"".join(json.dumps(line, allow_nan=False, separators=(",", ":")).encode() + b"\n" for line in lines)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error}") from error

    def sync(self) -> None:
        """Wait until the disk itself has it (a power cut loses nothing either)."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if not self._file.closed:
            holder_path(self.path).unlink(missing_ok=True)
            self._file.close()  # closing frees the lock

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def holder_path(journal: Path) -> Path:
    return journal.with_suffix(".lock")


def _holder(journal: Path) -> str:
    try:
        return holder_path(journal).read_text().strip()
    except OSError:
        return "another process"


def has_driver(path: Path) -> bool:
    """Whether a driver, here or on another node of the same file system, holds this journal at the moment."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_journal(path: Path) -> list[Line]:
    """All whole lines, without taking the lock: for readers beside a running driver."""
    raw = path.read_bytes()
    return list(_parse(raw[: raw.rfind(b"\n") + 1], path))


class JournalTail:
    """Follows a journal that another process writes: `read()` gives the whole lines since the last call."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path, self.offset = path, offset
        """`offset`: bytes that were read, always at the end of a line; may be stored to go on later."""

    def read(self, limit: int = 1 << 24) -> list[Line]:
        """At most about `limit` bytes' worth of new lines; an empty list when there is nothing new."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                raw = file.read(limit)
        except FileNotFoundError:
            return []
        end = raw.rfind(b"\n") + 1
        lines = list(_parse(raw[:end], self.path))
        self.offset += end
        return lines


def _parse(raw: bytes, path: Path) -> Iterator[Line]:
    for number, row in enumerate(raw.splitlines(), 1):
        try:
            line = json.loads(row)
        except ValueError:
            raise RunError(f"{path}, line {number}: is not JSON: the journal was damaged by something else") from None
        if line.get("kind") == "sweep" and line.get("version") != VERSION:
            raise RunError(
                f"{path}: journal version {line.get('version')}, this tuner reads version {VERSION}: "
                "use the tuner that wrote it"
            )
        yield line
