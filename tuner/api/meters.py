"""A running sweep as numbers for Prometheus: the journal's lines in, gauges and counters out (`launch.metrics`).

A view like the live table: it draws at its own pace, whatever it is fed. Gauges come from the whole journal, so they
are right after a resume; counters and the histogram count what this driver wrote, since Prometheus adds those up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import tuner.tracking as tracking
from tuner.launch.metrics import (
    BEST_METRIC,
    DRIVER_BUSY,
    EPOCH_DURATION,
    EPOCHS,
    LOST_WORKERS,
    PUBLISH_SECONDS,
    TRACKING_BACKLOG,
    TRIALS_BY_ENDING,
    TRIALS_BY_VERDICT,
    TRIALS_ENDED,
    TRIALS_PAUSED,
    TRIALS_PLANNED,
    TRIALS_QUEUED,
    TRIALS_RUNNING,
    Meters,
)
from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import ENDINGS
from tuner.report.progress import Progress


class SweepMeters:
    """Publishes between `published`'s beginning and end; outside it only keeps count."""

    def __init__(
        self,
        directory: RunDirectory,
        *,
        tracked: bool,
        say: Callable[[str], object],
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        """`tracked`: whether something writes to MLflow. `say`: is told, once, why nothing is published any more.
        `cpu`: seconds of CPU that this process has used."""
        self.progress = Progress()
        self._directory, self._tracked, self.say, self._cpu = directory, tracked, say, cpu
        self._meters: Meters | None = None
        self._published_at = -1e18
        self._seconds: list[float] = []
        """Of epochs that were reported since the last publication."""
        self._busy = cpu()
        self._state_stamp, self._offset = -1, 0

    @contextmanager
    def published(self, meters: Meters) -> Iterator[None]:
        """What happens in the block goes to `meters`; at its end once more, so that the last numbers are there."""
        self._meters, self._busy = meters, self._cpu()
        try:
            yield
        finally:
            self._publish()
            self._meters = None

    def lines(self, lines: Sequence[Line]) -> None:
        self.progress.apply(lines)
        if self._meters is not None:
            self._seconds += [line["seconds"] for line in lines if line["kind"] in ("report", "repeated")]

    def refresh(self, now: float) -> None:
        if not 0 <= now - self._published_at < PUBLISH_SECONDS:
            self._published_at = now
            self._publish()

    def close(self) -> None:
        """Nothing: `published` has ended before."""

    def _publish(self) -> None:
        if self._meters is None:
            return
        try:
            self._all(self._meters)
        except Exception as error:  # whatever Ray or a disk raises: no sweep fails for its dashboard
            self._meters = None
            self.say(f"no further metrics are published: {type(error).__name__}: {error}\n")

    def _all(self, meters: Meters) -> None:
        progress = self.progress
        meters.record(TRIALS_PLANNED, progress.total)
        meters.record(TRIALS_ENDED, progress.done)
        for ending in ENDINGS:
            meters.record(TRIALS_BY_ENDING, progress.endings[ending], ending=ending)
        for verdict, amount in progress.verdicts.items():
            meters.record(TRIALS_BY_VERDICT, amount, verdict=verdict)
        self._open_trials(meters)
        if progress.best is not None:
            meters.record(BEST_METRIC, progress.best.value, metric=progress.metric)
        meters.record(LOST_WORKERS, progress.lost)
        if self._tracked:
            meters.record(TRACKING_BACKLOG, self._backlog())
        seconds, self._seconds = self._seconds, []
        if seconds:
            meters.record(EPOCHS, len(seconds))
        for value in seconds:
            meters.record(EPOCH_DURATION, value)
        self._note_busy(meters)

    def _open_trials(self, meters: Meters) -> None:
        running = queued = paused = 0
        for trial in self.progress.open.values():
            if trial.running:
                running += 1
            elif trial.paused:
                paused += 1
            elif not trial.interrupted:
                queued += 1
        meters.record(TRIALS_RUNNING, running)
        meters.record(TRIALS_QUEUED, queued)
        meters.record(TRIALS_PAUSED, paused)

    def _note_busy(self, meters: Meters) -> None:
        before, self._busy = self._busy, self._cpu()
        if self._busy > before:
            meters.record(DRIVER_BUSY, self._busy - before)

    def _backlog(self) -> int:
        """Bytes of the journal behind the place up to which all is in MLflow. The follower's file is read again when
        it has changed: it names every trial."""
        written = self._directory.journal.stat().st_size
        try:
            stamp = self._directory.tracking.stat().st_mtime_ns
        except FileNotFoundError:  # the follower has not begun
            return written
        if stamp != self._state_stamp:
            state = tracking.read_state(self._directory)
            self._state_stamp, self._offset = stamp, 0 if state is None else state.offset
        return max(0, written - self._offset)
