"""Who drives a run on storage that has no locks: an object that says so, renewed for as long as its holder lives.

A lease that was not renewed for `STALE` seconds is free; so is one whose holder, on this machine, is gone. A store
without an atomic create lets two take a free one at once: the later one's object is the one that stays, and the other
sees that when it looks again, at the latest when it renews. What it wrote until then counts nothing (`segments.py`).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from tuner.errors import Fault, InputError, RunError
from tuner.records.storage import Storage

NAME = "driver.json"
RENEW = 10.0
STALE = 60.0
"""Seconds; machines' clocks are taken to agree within less."""


class LeaseLost(RunError):
    """Another driver took the run."""


class Lease:
    """Taken when made. Raises InputError where another driver holds the run."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._clock = storage, clock
        self._token = os.urandom(8).hex()
        held = holder(storage)
        if held is not None and held.alive(clock()):
            ago = max(0.0, clock() - held.renewed)
            who = f"pid {held.pid} on {held.host}, seen {ago:.0f} s ago"
            cure = f"wait until it ends, or stop it; where it was killed, resume in {STALE - ago:.0f} s"
            raise InputError("this run has a driver already", (Fault(storage.uri, who, cure),))
        self._taken = clock()
        self._renewed = 0.0
        self._write()
        self.check()

    def renew(self) -> None:
        """Once `RENEW` seconds have passed since the last time. Raises LeaseLost."""
        if self._clock() - self._renewed >= RENEW:
            self.check()
            self._write()

    def check(self) -> None:
        held = holder(self._storage)
        if held is not None and held.token != self._token:
            raise LeaseLost(
                f"{self._storage.uri}: the driver with pid {held.pid} on {held.host} took this run over: "
                "this one stops, and what it had not written by then is trained again"
            )

    def release(self) -> None:
        held = holder(self._storage)
        if held is not None and held.token == self._token:
            self._storage.delete(NAME)

    def _write(self) -> None:
        self._renewed = self._clock()
        says = Holder(os.getpid(), socket.gethostname(), self._token, self._taken, self._renewed)
        self._storage.put(NAME, json.dumps(asdict(says)).encode())


@dataclass(frozen=True, slots=True)
class Holder:
    """What the object says."""

    pid: int
    host: str
    token: str
    taken: float
    renewed: float
    """Unix seconds by its own clock."""

    def alive(self, now: float) -> bool:
        if now - self.renewed >= STALE:
            return False
        if self.host != socket.gethostname() or self.pid == os.getpid():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def holder(storage: Storage) -> Holder | None:
    """Of the last lease, alive or not; None where the last one was given back."""
    raw = storage.get(NAME)
    return None if raw is None else Holder(**json.loads(raw))
