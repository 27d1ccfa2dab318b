"""What the journal says so far, and which of it MLflow has yet to be told."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.records.fold import Fold
from tuner.records.journal import JournalTail, Line
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import CONTROL, SweepRecord, TrialRecord
from tuner.tracking import interest, mapping
from tuner.tracking.store import Point

PARENT = ""
"""The sweep's own key beside those of its trials."""
_OF_THE_SWEEP = (
    *("sweep", "change", "driver", "end", "sweep_finding", "finalists", "final_test"),
    *("controls", "search_over", "night"),
)
_IN_EARNEST = ("report", "ending", "lost", "end")


class Picture:
    """Reads the journal; `touched` and `points` are emptied by whoever writes them to MLflow."""

    def __init__(self, run_dir: RunDirectory, *, curves: str) -> None:
        """`curves`: whose metrics are sent epoch by epoch: `all`, `top` or `none`."""
        self.run_dir = run_dir
        self.touched: dict[str, None] = {}
        """Trials, and the sweep as PARENT, of which something is new: in the order of the journal."""
        self.points: dict[str, list[Point]] = {}
        """Trial -> what its reports measured and MLflow was not sent."""
        self.head: Line | None = None
        """The journal's first line."""
        self.status = "running"
        """`finished`, `stopped` or `failed` once the driver has left in good order."""
        self.end_at = 0
        """Bytes of the journal when its last `end` line was read."""
        self.begun = False
        """Some trial has reported or ended: the sweep's input was right."""
        self.dataset: Line | None = None
        """The facts of the first report that names its data."""
        self.last_at: dict[str, float] = {}
        """When its last line was written: when it ended, for one that has no ending."""
        self.endings = 0
        """How many `end` and `final_test` lines there were: each leaves new files beside the journal."""
        self._curves = curves
        self._interest, self._chosen = interest.Interest(), set[str]()
        self._times: dict[str, dict[int, float]] = {}
        """Of trials that may yet be chosen: when each epoch was reported."""
        self._fold, self._tail = Fold(str(run_dir.path)), JournalTail(run_dir.journal)

    @property
    def offset(self) -> int:
        return self._tail.offset

    @property
    def started(self) -> bool:
        return self._tail.offset > 0

    def read(self, limit: int) -> bool:
        """At most about `limit` bytes. False when there is nothing new."""
        lines = self._tail.read(limit) or self._tail.read()  # a line may be longer than a batch
        self._take_all(lines)
        return bool(lines)

    def replay(self, offset: int) -> bool:
        """What MLflow has been told already. False, and of no further use, where no line of the journal ends there."""
        self._take_all(self._tail.read(offset))
        if self._tail.offset != offset:
            return False
        self.points.clear()
        self.touched.clear()
        self.touch_running()
        return True

    def touch_running(self) -> None:
        """What has no ending is looked at again, after the sweep: its status may no longer be true."""
        self.touched |= {trial.trial: None for trial in self.sweep().everything if trial.ending is None}
        self.touched[PARENT] = None

    def trial(self, trial: str) -> TrialRecord:
        return self._fold.trial(trial)

    def sweep(self) -> SweepRecord:
        return self._fold.record()

    def has_curve(self, trial: str) -> bool:
        """Whether its epochs are in MLflow, or about to be."""
        return self._curves == "all" or trial in self._chosen

    def _take_all(self, lines: list[Line]) -> None:
        for line in lines:
            self._fold.apply((line,))  # one by one: who is chosen is not to depend on where a batch ends
            self._take(line)

    def _take(self, line: Line) -> None:
        kind = line["kind"]
        trial = None if kind in _OF_THE_SWEEP else line.get("trial")
        self.last_at[trial or PARENT] = line["at"]
        self.begun = self.begun or kind in _IN_EARNEST
        if kind == "sweep":
            self.head = line
        elif kind == "driver":
            self.status = "running"
        elif kind == "end":
            self.status, self.end_at, self.endings = line["status"], self._tail.offset, self.endings + 1
            self._choose_at_the_end()
        elif kind == "final_test":  # after the end, and the files beside the journal were written again
            self.endings += 1
        elif kind == "report":
            self._take_report(line)
        elif self._curves == "top" and kind == "ending":
            self._choose_ended(line["trial"])
        elif self._curves == "top" and interest.from_the_beginning(line):
            self._chosen.add(line["trial"])
        if trial is not None:
            self.touched[trial] = None
        elif kind in _OF_THE_SWEEP:
            self.touched[PARENT] = None

    def _take_report(self, line: Line) -> None:
        trial, points = line["trial"], self.points.setdefault(line["trial"], [])
        if self._curves == "top" and trial not in self._chosen:
            self._times.setdefault(trial, {})[line["epoch"]] = line["at"]
        elif self._curves != "none":
            points += mapping.epoch_points(line)
        if "facts" in line:
            points += mapping.facts_points(line)
            if self.dataset is None and line["facts"].get("data_hash"):
                self.dataset = line["facts"]
                self.touched[PARENT] = None

    def _choose_ended(self, trial: str) -> None:
        """Trainings beside the search, on further seeds or of a control trial, leave its ranks alone."""
        record = self._fold.trial(trial)
        beside = record.repeat_of is not None or record.origin == CONTROL
        if not beside and self._interest.ended(record, self._sign()):
            self._choose(trial)

    def _choose_at_the_end(self) -> None:
        if self._curves == "top":
            for trial in interest.at_the_end(self.sweep()):
                self._choose(trial)

    def _choose(self, trial: str) -> None:
        """From here on its epochs are sent; those that it has already, as if they had been from the beginning."""
        if trial in self._chosen:
            return
        self._chosen.add(trial)
        times = self._times.pop(trial, {})
        rows = [row for row in self._fold.trial(trial).epochs if row.epoch in times]
        self.points.setdefault(trial, []).extend(
            point for row in rows for point in mapping.points_of(row.metrics, row.epoch, times[row.epoch])
        )
        self.touched[trial] = None

    def _sign(self) -> float:
        return -1.0 if self.head is not None and self.head["mode"] == "max" else 1.0


def trials(touched: Iterable[str]) -> list[str]:
    return [key for key in touched if key != PARENT]
