"""A sweep seen from another terminal: its journal is followed, and the same view drawn as by its driver.

Nothing is written and the sweep is not slowed: a reader needs no lock. That a driver is gone is known by its lock,
which the operating system frees; it is looked at only while nothing new is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.records.journal import JournalTail, Line, has_driver
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.storage import is_uri
from tuner.report.live import View

ENDED, DIED = "ended", "died"
POLL_SECONDS = 0.25
QUIET_SECONDS = 2.0
"""Without a new line, before the lock is looked at."""
LINGER_SECONDS = 10.0
"""After the journal's `end`, for a driver that still writes the report or looks at the test split."""


def run_to_watch(run: str, runs: Path) -> RunDirectory:
    """A run as `find_run` finds it; or a directory that is named as a path and is about to become one.

    Raises InputError for a name that is no run, for a directory that holds something else, and for a run on storage.
    """
    if is_uri(run):
        cure = "on storage a journal arrives in pieces: watch it where its driver runs, or draw `tuner report`"
        raise InputError("no run to watch", (Fault("RUN", run, cure),))
    try:
        return find_run(run, runs)
    except InputError:
        for path in (Path(run), runs / run):
            if path.is_dir() and any(path.iterdir()) and not (path / "sweep.yaml").is_file():
                cure = "this directory holds no run: name one inside it, or the directory of a run that is to begin"
                raise InputError("no run of that name", (Fault("RUN", run, cure),)) from None
            if path.is_dir() or (path == Path(run) and os.sep in run and path.parent.is_dir()):
                return RunDirectory(Path(os.path.abspath(path)))  # noqa: PTH100  (resolve() would follow links)
        raise


def watch(
    directory: RunDirectory,
    view: View,
    *,
    waiting: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
    held: Callable[[Path], bool] = has_driver,
) -> str:
    """Follow a run until it has ended (ENDED), or its driver has died (DIED).

    `waiting` is called once where the run has not begun. `held`: whether a driver has the journal.
    """
    tail = JournalTail(directory.journal)
    begun = over = False
    ask_at = over_at = -1e18
    while True:
        now = clock()
        driven = held(directory.journal) if now >= ask_at else True
        lines = _new(tail)  # after the lock: who let go of it has written all
        if lines:
            begun = True
            view.lines(lines)
            over = _over(lines, over)
            over_at = now if over else over_at
        elif begun and not driven:
            return ENDED if over else DIED
        elif over and now - over_at >= LINGER_SECONDS:
            return ENDED
        elif not begun:
            waiting()
            waiting = _nothing
        if lines or now >= ask_at:
            ask_at = now if over or not driven else now + QUIET_SECONDS
        if begun and driven:
            view.refresh(now)
        if driven or not begun:  # what has ended long ago is not waited for
            pause(POLL_SECONDS)


def _new(tail: JournalTail) -> list[Line]:
    """All that there is: what happened before is told as one piece."""
    found: list[Line] = []
    while some := tail.read():
        found += some
    return found


def _over(lines: list[Line], before: bool) -> bool:
    """Whether the last driver has left in good order."""
    last = next((line["kind"] for line in reversed(lines) if line["kind"] in ("driver", "end")), None)
    return before if last is None else last == "end"


def _nothing() -> None:
    """Said once."""
