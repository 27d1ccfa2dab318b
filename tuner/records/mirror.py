"""A driver's run directory, kept on storage while it works in a copy of its own.

The journal goes there in pieces (`segments.py`), some seconds behind the local file at most; the files when they are
written at the end; checkpoints and trials' logs by the workers themselves. Nothing is deleted there before the journal
line is there that says why. While the storage is away the driver goes on, and what is missing is written afterwards.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tuner.errors import RunError
from tuner.records.lease import Lease
from tuner.records.remote_run import agreed, fetch_results, ours
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.records.segments import SegmentWriter, join, segments
from tuner.records.storage import Storage, StorageError

PERIOD = 1.0
"""Seconds between looks at the local journal."""
PATIENCE = 120.0
"""Seconds that the end of a run waits for a storage that is away."""
_MARKS = (b'"kind":"driver"', b'"kind":"end"')
"""Lines that say that files are there."""


class Mirror:
    """Taken before the journal is opened, closed after it. A thread of its own does the writing."""

    def __init__(self, uri: str, directory: RunDirectory, say: Callable[[str], object] = sys.stderr.write) -> None:
        """`uri`: of the run. The local journal is brought to what is there.

        Raises InputError where another driver holds the run or the two journals differ, StorageError where the
        storage cannot be reached.
        """
        self.storage, self._directory, self._say = Storage(uri), directory, say
        self._lease = Lease(self.storage)
        found = segments(self.storage)
        there = join([(one, self.storage.get(one.name) or b"") for one in found])
        journal = agreed(directory, there, uri)
        if journal:
            directory.path.mkdir(parents=True, exist_ok=True)
            write_atomically(directory.journal, journal)
        driver = 1 + max((one.driver for one in found), default=0)
        self._writer = SegmentWriter(self.storage, driver, len(there))
        self._sent: dict[str, tuple[int, int]] = {}
        """File -> its time and size when it was written there."""
        self._drops: list[tuple[int, str, bool]] = []
        self._lost: RunError | None = None
        self._away = False
        self._closing = threading.Event()
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raises LeaseLost once another driver has taken the run."""
        if self._lost is not None:
            raise self._lost

    def drop(self, trial: str, last_only: bool) -> None:
        """Delete a trial's checkpoints, or its last one alone, when all that the journal holds now is there."""
        self._drops.append((self._directory.journal.stat().st_size, trial, last_only))

    def fetch_results(self) -> None:
        """The weights that were kept, their pictures and the trials' logs, into the local copy."""
        self._send()  # what is deleted by then need not come
        for name in fetch_results(self.storage, self._directory):
            self._sent[name] = _stamp(self._directory.path / name)

    def close(self) -> None:
        """Write what is missing and give the run back. Raises StorageError where that cannot be done in time."""
        self._stop()
        self.check()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._send()
                self._send_files()
                self._writer.merge(self._directory.journal, least=2)
                self._lease.release()
                return
            except StorageError as error:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"{error}; the run is whole in {self._directory.path}, and "
                        f"`tuner run --resume {self._directory.path}` writes the rest there"
                    ) from error
                time.sleep(PERIOD)

    def abandon(self) -> None:
        """After an error: what was written stays, and the run is free for the next driver at once."""
        self._stop()
        if self._lost is None:
            try:
                self._send()
                self._lease.release()
            except RunError as error:  # another error is on its way to the user
                self._say(f"warning    {error}\n")

    def discard(self) -> None:
        """The run never began: nothing of it stays."""
        self._stop()
        self.storage.delete_folder("")

    def _stop(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            try:
                self._lease.renew()
                self._send()
            except StorageError as error:
                if not self._away:
                    self._away = True
                    self._say(f"warning    {error}: the sweep goes on, and the journal is written there later\n")
            except RunError as error:
                self._lost = error
                return
            except Exception as error:  # a thread's end is nobody's unless the driver is told
                self._lost = RunError(f"{self.storage.uri}: {type(error).__name__}: {error}")
                return
            else:
                self._away = False

    def _send(self) -> None:
        with self._busy:
            data = self._unsent()
            if data:
                if any(mark in data for mark in _MARKS):
                    self._send_files()
                self._writer.write(data)
                self._writer.merge(self._directory.journal)
            self._delete()

    def _unsent(self) -> bytes:
        path = self._directory.journal
        if not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek(self._writer.end)
            data = file.read()
        return data[: data.rfind(b"\n") + 1]

    def _delete(self) -> None:
        due = [drop for drop in list(self._drops) if drop[0] <= self._writer.end]
        if not due:
            return
        there: dict[str, list[str]] = {}
        for name in self.storage.list("checkpoints"):
            there.setdefault(name.split("/")[1], []).append(name)
        for drop in due:
            _, trial, last_only = drop
            names = there.get(trial, [])
            if last_only:
                names = _last(names)
            self.storage.delete(*names)
            self._drops.remove(drop)

    def _send_files(self) -> None:
        """Each file that has changed since it was last written there."""
        for path in sorted(self._directory.path.rglob("*")):
            name = path.relative_to(self._directory.path).as_posix()
            if path.is_file() and ours(name) and self._sent.get(name) != _stamp(path):
                stamp = _stamp(path)
                self.storage.put(name, path)
                self._sent[name] = stamp


def _last(names: list[str]) -> list[str]:
    """What only a trial needs that goes on. A loop of the user's own may have kept nothing at its best epoch."""
    inner = {name: name.split("/", 2)[2] for name in names}
    best = any(one.startswith("best") for one in inner.values())
    return [name for name, one in inner.items() if one == "last.pt" or (best and one.startswith("last-"))]


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
