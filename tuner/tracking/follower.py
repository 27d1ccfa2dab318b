"""Brings MLflow to where the journal is, one batch of lines after the other, and remembers how far it came.

It works by state, not by event: a batch of lines is folded, and each trial it touched is written as it now stands. So a
batch that was written in part before a crash is written again without harm: the same run is found by its tags,
the same point (name, step, time of the journal) is one point, tags and status say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tuner.records.run_directory import RunDirectory
from tuner.tracking import mapping
from tuner.tracking.beside import environment_of, sweep_file_of
from tuner.tracking.note import sweep_note, trial_note
from tuner.tracking.picture import PARENT, Picture, trials
from tuner.tracking.state import TrackingState
from tuner.tracking.store import KILLED, RUNNING, MlflowRun, Point, RunGone, Store, StoreProblem
from tuner.tracking.view import view_tags
from tuner.tracking.writer import Writer

BATCH_BYTES = 1 << 18
"""Of the journal, about a thousand lines: after so many the state is remembered."""
GOES_ON = "It goes on."
"""The description of a trial that had ended and was resumed."""


class Follower:
    """Writes one tuner run into one MLflow store. Any StoreProblem leaves it as it was: call `step` again later."""

    def __init__(
        self,
        run_dir: RunDirectory,
        store: Store,
        state: TrackingState,
        remember: Callable[[TrackingState], None],
        *,
        curves: str = "all",
        measured: Callable[[float], list[Point]] | None = None,
    ) -> None:
        """`measured`: more of the sweep's own run while it runs, given when the sweep began (Unix seconds)."""
        self.state = state
        self._measured = measured
        self._run_dir, self._store, self._remember = run_dir, store, remember
        self._curves = curves
        self._picture = Picture(run_dir, curves=curves)
        self._writer = Writer(store)
        self._environment: dict[str, Any] = {}
        self._code: dict[str, str] = {}
        self._runs: dict[str, MlflowRun] = {}
        self._experiment_id: str | None = None
        self._in_doubt = True
        """A run may have been made that the follower does not know of."""
        self._view_written = False
        self._may_be_double = False
        self._written_ends = 0
        """How many of the journal's `end` lines have had their artifacts copied."""
        self._dataset_written = False
        self._abandoned = False

    @property
    def ended_at(self) -> int:
        """Journal offset behind the last `end` line, once all is written; 0 while the sweep runs."""
        there = self._picture
        return there.end_at if not there.touched and there.status != "running" else 0

    def step(self, begin: bool = True) -> bool:
        """Write what is left of the last batch, or the next one. False when the journal holds nothing new.

        Without `begin` no MLflow run is made before a trial has reported: a sweep whose input turns out to be wrong
        as its first trial starts leaves nothing behind.
        """
        if self._experiment_id is None:
            self._experiment_id = self._store.experiment(self.state.experiment)
        hold = not (begin or self._picture.begun or self.state.parent_run)
        moved = self._read() if hold or not self._picture.touched else True
        if self._picture.head is None or (hold and not self._picture.begun):
            return False
        if self._in_doubt:
            self._find()
        self._write()
        self._measure()
        return moved

    def abandon(self) -> None:
        """The driver is gone for good: what it left running runs no more."""
        there = self._picture
        if there.head is None or there.status != "running" or PARENT not in self._runs:
            return
        self._abandoned = True
        there.touch_running()
        if self._in_doubt:
            self._find()
        self._write()

    def settle(self) -> None:
        """Once all is written: look for doubles that a slow server made after it was given up on."""
        if self._may_be_double and self._picture.head is not None:
            self._find()
            self._may_be_double = False

    def note(self, problem: str) -> None:
        """Say in tracking.json what keeps it from going on."""
        self._keep(problem)

    def _read(self) -> bool:
        if self.state.offset and not self._picture.started:
            self._replay()
        there = self._picture
        moved = there.read(BATCH_BYTES)
        if PARENT in there.touched:
            self._environment = environment_of(self._run_dir)
            self._code = mapping.code_tags(self._environment)
            self._abandoned = self._abandoned and not moved  # a new driver writes the journal
        return moved or bool(there.touched)

    def _replay(self) -> None:
        if self._picture.replay(self.state.offset):
            self._written_ends = self._picture.endings if self.state.complete else 0
            self._dataset_written = self._picture.dataset is not None
        else:
            self.state = TrackingState(self.state.uri, self.state.experiment, curves=self._curves)
            self._picture = Picture(self._run_dir, curves=self._curves)

    def _find(self) -> None:
        """Which MLflow runs there are: the known one stays, else the first; any other of the same trial goes."""
        assert self._picture.head is not None and self._experiment_id is not None
        found = self._store.find(self._experiment_id, str(self._picture.head["run"]))
        remembered = {**self.state.children, PARENT: self.state.parent_run}
        for key, runs in found.items():
            known = self._runs[key].run_id if key in self._runs else remembered.get(key)
            living = sorted((run for run in runs if not run.gone), key=lambda run: (run.run_id != known, run.run_id))
            for double in living[1:]:
                self._store.delete(double.run_id)
            self._runs[key] = living[0] if living else runs[0]
            self._runs[key].unsure = True
        self._in_doubt = False

    def _create(self, key: str, name: str, at: float, tags: dict[str, str]) -> MlflowRun:
        assert self._experiment_id is not None
        self._in_doubt = True  # until the answer is here
        try:
            run_id = self._store.create(self._experiment_id, name, mapping.ms(at), tags)
        except StoreProblem:
            self._may_be_double = True
            raise
        self._in_doubt = False
        self._runs[key] = MlflowRun(run_id, RUNNING, dict(tags))
        return self._runs[key]

    def _write(self) -> None:
        touched = self._picture.touched
        if PARENT not in self._runs:
            touched[PARENT] = None
            self._unless_gone(PARENT, lambda: self._write_parent(last=False))
        for trial in trials(touched):
            self._unless_gone(trial, lambda trial=trial: self._write_trial(trial))  # type: ignore[misc]
            self._picture.points.pop(trial, None)
            del touched[trial]
        if PARENT in touched:
            self._unless_gone(PARENT, lambda: self._write_parent(last=True))
            del touched[PARENT]
        self._keep(self._writer.refusals())

    def _measure(self) -> None:
        """What is measured beside the journal."""
        there, run = self._picture, self._runs.get(PARENT)
        if self._measured is None or there.head is None or run is None or there.status != "running":
            return
        points = self._measured(there.head["at"])
        if points:
            self._unless_gone(PARENT, lambda: self._writer.send("the sweep", run, points, run.params, run.tags))

    def _unless_gone(self, key: str, write: Callable[[], None]) -> None:
        """A run that somebody deleted must not hold up the others."""
        if key in self._runs and self._runs[key].gone:
            return
        try:
            write()
        except RunGone:
            self._runs[key].gone = True

    def _write_trial(self, trial: str) -> None:
        there = self._picture
        assert there.head is not None
        record = there.trial(trial)
        shared = {"mlflow.parentRunId": self._runs[PARENT].run_id, **self._code}
        infinite, has_curve = mapping.infinities(record), there.has_curve(trial)
        tags = mapping.trial_tags(record, there.head, shared, infinite, self._abandoned, has_curve)
        run = self._runs.get(trial)
        if record.ending is not None:
            tags[mapping.NOTE] = trial_note(record, there.head["metric"])
        elif run is not None and mapping.NOTE in run.tags:
            tags[mapping.NOTE] = GOES_ON  # what it said as it ended is no longer true
        if run is None:
            run = self._create(trial, trial, record.started_at or there.last_at[trial], tags)
        closing = mapping.closing_points(record, there.head["metric"]) if record.ended_at != run.closed_at else []
        points = [*there.points.get(trial, ()), *closing]
        self._writer.send(f"trial {trial}", run, points, mapping.params(record.config), tags)
        there.points.pop(trial, None)
        run.closed_at = record.ended_at
        ended_at = mapping.ms(record.ended_at or there.last_at[trial])
        self._writer.set_status(run, mapping.trial_status(record, self._abandoned), ended_at)

    def _write_parent(self, last: bool) -> None:
        """`last`: after its trials, so that nobody sees an ended sweep with trials that run."""
        there = self._picture
        assert there.head is not None
        head, record = there.head, there.sweep()
        tags = mapping.sweep_tags(record, self._environment, self._abandoned)
        assert self._experiment_id is not None
        tags[mapping.NOTE] = sweep_note(record, self._experiment_id, self._abandoned)
        run = self._runs.get(PARENT)
        if run is None:
            run = self._create(PARENT, str(head["run"]), head["at"], tags)
            self._keep("")
        ended = last and there.status != "running"
        points = mapping.sweep_points(record) if ended and record.ended_at != run.closed_at else []
        self._writer.send("the sweep", run, points, mapping.sweep_params(head, sweep_file_of(self._run_dir)), tags)
        run.closed_at = record.ended_at if ended else run.closed_at
        if there.dataset is not None and not self._dataset_written:
            self._writer.dataset(run, record.task or record.name, there.dataset)
            self._dataset_written = True
        if not self._view_written:
            self._writer.view(self._experiment_id, view_tags(head))
            self._view_written = True
        if not last:
            return
        status = KILLED if self._abandoned else mapping.SWEEP_STATUS[record.status]
        if ended and 0 < self._written_ends < there.endings:
            run.status = RUNNING  # it went on and ended again, perhaps within one batch: its end is a later one
        self._writer.set_status(run, status, mapping.ms(record.ended_at or max(there.last_at.values())))
        if ended and self._written_ends < there.endings:
            self._writer.artifacts(run, self._run_dir)
            self._writer.models(self._experiment_id, run, self._runs, self._run_dir, record)
            self._written_ends = there.endings

    def _keep(self, problem: str) -> None:
        """Remember how far it came; the offset moves only when all before it is in MLflow."""
        there, known = self._picture, {key: run.run_id for key, run in self._runs.items()}
        whole = not there.touched and there.head is not None
        state = TrackingState(
            uri=self.state.uri,
            experiment=self.state.experiment,
            experiment_id=self._experiment_id or self.state.experiment_id,
            parent_run=known.pop(PARENT, self.state.parent_run),
            offset=there.offset if whole else self.state.offset,
            complete=whole and there.status != "running" and not problem,
            problem=problem,
            children={**self.state.children, **known},
            curves=self._curves,
        )
        if state != self.state:
            self._remember(state)
            self.state = state
