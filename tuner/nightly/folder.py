"""The folder of a sweep's nights: `runs/SLUG-nights/`, beside the nights' own run directories.

```
ID.json ID.html ID.md   a night: its record, its page, its summary
latest.html latest.md   of the last one
reference.json          the accepted night, and the control configuration that all nights train
lock                    held while a night runs
```
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from tuner.errors import Fault, InputError, RunError
from tuner.records.night import NightRecord
from tuner.records.run_directory import write_atomically

VERSION = 1
_TRIES = 100
"""Of locking, while another process removes the folder of a night that never began."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What nights are compared with."""

    control: Mapping[str, Any]
    """Whole settings of the control configuration, by recorded name."""
    source: str
    """Where it came from: `nightly.control`, `the defaults`, `the best of NIGHT`."""
    night: str | None = None
    """The accepted night; None until one has trained this control on all its seeds."""
    accepted_at: float = 0.0
    """Unix seconds; 0 where nobody had to accept it."""
    before: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    """Earlier references: night, source, and until when they held."""


class Running(Exception):
    """Another night of this sweep holds the lock; the text says who."""


class NightsFolder:
    """Reads and writes it."""

    def __init__(self, runs: Path, slug: str) -> None:
        self.runs = Path(os.path.abspath(runs))  # noqa: PTH100  (resolve() would follow links)
        self.path = self.runs / f"{slug}-nights"

    def nights(self) -> list[NightRecord]:
        """All records, oldest first. Raises RunError for one that cannot be read."""
        found = [self._read(path) for path in sorted(self.path.glob("????-??-??-*.json"))]
        return sorted(found, key=lambda record: (record.started_at, record.id))

    def write(self, record: NightRecord) -> None:
        text = json.dumps(record.to_json(), indent=1, allow_nan=False, ensure_ascii=False)
        write_atomically(self.path / f"{record.id}.json", text + "\n")

    def forget(self, record: NightRecord) -> None:
        """Of a night that never began."""
        (self.path / f"{record.id}.json").unlink(missing_ok=True)

    def page(self, record: NightRecord) -> Path:
        return self.path / f"{record.id}.html"

    def write_pages(self, record: NightRecord, html: str, markdown: str) -> None:
        for name in (record.id, "latest"):
            write_atomically(self.path / f"{name}.html", html)
            write_atomically(self.path / f"{name}.md", markdown)

    def reference(self) -> Reference | None:
        """None before a first night."""
        path = self.path / "reference.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise RunError(f"{path}: is not JSON: it was damaged by something else") from None
        version = data.pop("version", None)
        if version != VERSION:
            raise RunError(f"{path}: version {version}, this tuner reads version {VERSION}")
        data["control"] = {n: tuple(v) if isinstance(v, list) else v for n, v in data["control"].items()}
        return Reference(**{**data, "before": tuple(data["before"])})

    def write_reference(self, reference: Reference) -> None:
        content = {"version": VERSION} | asdict(reference)
        write_atomically(self.path / "reference.json", json.dumps(content, indent=1, allow_nan=False) + "\n")

    def find(self, night: str) -> NightRecord:
        """By its id, the start of one, its date, or `last`. Raises InputError with the nights that there are."""
        nights = [record for record in self.nights() if record.ended_at is not None]
        found = nights[-1:] if night == "last" else [one for one in nights if one.id.startswith(night)]
        if len(found) == 1:
            return found[0]
        there = ", ".join(record.id for record in nights[-5:]) or "none yet"
        cure = f"several nights begin so: write one whole: {there}" if found else f"no such night; there are: {there}"
        raise InputError("no night of that name", (Fault("--accept", night, cure),))

    @contextmanager
    def lock(self, *, wait: bool = False) -> Iterator[None]:
        """Raises Running while another night of this sweep has it; `wait`: until it has ended.

        The operating system frees it when its holder dies, however it dies.
        """
        with self._locked(wait) as file:
            file.truncate(0)
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
            file.write(f"pid {os.getpid()} on {socket.gethostname()}, since {since} UTC")
            file.flush()
            try:
                yield
            finally:
                if [path.name for path in self.path.iterdir()] == ["lock"]:  # nothing began: nothing stays
                    shutil.rmtree(self.path, ignore_errors=True)
                    with suppress(OSError):  # other runs are in it
                        self.runs.rmdir()

    def _locked(self, wait: bool) -> TextIO:
        """The lock's file, held. Whoever held it before may have removed it with the folder: then it is made anew."""
        path = self.path / "lock"
        for _ in range(_TRIES):
            with suppress(FileNotFoundError), ExitStack() as stack:  # not found: removed this moment
                file = stack.enter_context(self._lock_file(path, wait))
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    stack.pop_all()
                    return file
        raise RunError(f"{path}: cannot be made, it is removed again and again")

    def _lock_file(self, path: Path, wait: bool) -> TextIO:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise Running(holder) from None
        return file

    def _read(self, path: Path) -> NightRecord:
        try:
            return NightRecord.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path}: cannot be read as a night's record: {type(error).__name__}: {error}") from None
