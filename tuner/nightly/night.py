"""One night, from its lock to its line: the controls, the search, the finalists, the verdict, who is told."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuner.api.finishing import Finished
from tuner.api.launching import Display, Launch
from tuner.api.night_plan import NightPlan
from tuner.api.running import resume_sweep, start_sweep
from tuner.api.sweeps import load_resolved
from tuner.api.warm_sources import data_hash
from tuner.control.control_trials import Controls
from tuner.errors import Fault, InputError, RunError
from tuner.nightly.conditions import conditions
from tuner.nightly.control import best_as_reference, first_reference, notes_on, settings_tonight
from tuner.nightly.folder import NightsFolder, Reference, Running
from tuner.nightly.history import History, rules_of
from tuner.nightly.housekeeping import disk_needed, free_disk, tidy
from tuner.nightly.identity import control_key, control_seeds, date_of, night_hash
from tuner.nightly.judging import judged
from tuner.nightly.loop_check import check_loop
from tuner.nightly.notify import is_news, notify, notify_faults
from tuner.nightly.outcome import Outcome, exit_code
from tuner.nightly.record import Begun
from tuner.nightly.spent import seconds_spent
from tuner.nightly.tonight import tonights_sweep
from tuner.nightly.verdict.figures import fingerprint
from tuner.nightly.verdict.judge import asks_for_more
from tuner.records.journal import Line, read_journal
from tuner.records.night import INCOMPLETE, SKIPPED, Judgement, NightRecord
from tuner.records.run_directory import RunDirectory
from tuner.records.storage import is_uri
from tuner.records.trial import SweepRecord
from tuner.report.night_page import night_html
from tuner.report.night_text import night_markdown
from tuner.sweep import Sweep

SAME_NIGHT_HOURS = 12.0
"""A night that was killed is gone on with after midnight too, if it began no longer ago."""


@dataclass(frozen=True)
class NightLaunch:
    """How a night is run, beside what its file says."""

    runs: Path = Path("runs")
    address: str | None = None
    cpus: int | None = None
    display: Callable[[float | None], Display] | None = None
    environ: Mapping[str, str] | None = None
    say: Callable[[str], None] = lambda _text: None
    """For what a person wants to know meanwhile."""
    clock: Callable[[], float] = time.time


def run_night(sweep: Sweep, launch: NightLaunch) -> Outcome:
    """Raises InputError before anything is written, RunError where there is no room for it."""
    environ = os.environ if launch.environ is None else launch.environ
    faults = notify_faults(sweep.nightly.notify, environ)
    if faults:
        raise InputError("who is told of a night", faults)
    if is_uri(sweep.storage):
        cure = "nights are judged by a folder that holds all of them: name one that lasts, such as a mounted disk"
        raise InputError("a night's storage", (Fault("storage", sweep.storage, cure),))
    folder = NightsFolder(launch.runs, sweep.slug)
    try:
        with folder.lock(wait=sweep.nightly.when_running == "wait"):
            return _Night(sweep, launch, folder, environ).go()
    except Running as holder:
        return Outcome(SKIPPED, f"a night of this sweep runs already ({holder})", 0)


class _Night:
    """Under the lock."""

    def __init__(self, sweep: Sweep, launch: NightLaunch, folder: NightsFolder, environ: Mapping[str, str]) -> None:
        self.sweep, self.launch, self.folder, self.environ = sweep, launch, folder, environ
        self.ended: NightRecord | None = None

    def go(self) -> Outcome:
        told = conditions(self.sweep, Path.cwd(), data_hash(self.sweep), None)
        now = self.launch.clock()
        nights = self.folder.nights()
        night, known = self._which(night_hash(self.sweep, told), nights, now)
        if known is not None and not _goes_on(known):
            self.launch.say("this night has ended: its verdict again\n")
            return self._outcome(known, None)
        if not nights:
            check_loop(self.sweep)
        history = History(tuple(one for one in nights if one.id != night), self.folder.reference())
        accepted = () if history.reference is None or history.reference.night is None else (history.reference.night,)
        tidied = tidy(history.nights, self.sweep.nightly.keep, self.folder.runs, accepted)
        free_disk(self.folder.runs, disk_needed(history.ended, self.folder.runs))
        self.reference = history.reference or first_reference(self.sweep)
        self.history = history
        control = {} if self.reference is None else settings_tonight(self.sweep, self.reference.control)
        self.seeds = control_seeds(self.sweep, self.sweep.nightly.noise_seeds)
        key = control_key(self.sweep, control, self.seeds)
        anchor = history.anchor(key)
        since = (*(() if anchor is None else (anchor,)), *history.comparable(key))
        directory = RunDirectory(self.folder.runs / f"{self.sweep.slug}-night-{night}")
        resumed = directory.journal.is_file()
        tonight = load_resolved(directory) if resumed else tonights_sweep(self.sweep, night, since, self.folder.runs)
        notes = (*tidied.notes, *(() if self.reference is None else notes_on(self.sweep, self.reference)))
        self.begun = Begun(
            id=night,
            date=night[:10],
            sweep=tonight,
            directory=directory,
            control=control,
            key=key,
            conditions=told,
            state_before=history.state,
            notified=history.notified if known is None else known.notified,
            reference=night if anchor is None else anchor.id,
            started_at=now if known is None else known.started_at,
            notes=notes,
        )
        self.folder.write(self.begun.record())
        return self._run(resumed)

    def _which(self, of: str, nights: Sequence[NightRecord], now: float) -> tuple[str, NightRecord | None]:
        """(id, its record where it began already). A night that was killed before midnight is that night still."""
        id = f"{date_of(now, self.sweep.nightly.time_zone)}-{of}"
        same = [one for one in nights if one.id.endswith(f"-{of}")]
        for one in same:
            if one.id == id or (_goes_on(one) and now - one.started_at < SAME_NIGHT_HOURS * 3600):
                return one.id, one
        return id, None

    def _run(self, resumed: bool) -> Outcome:
        begun, asked = self.begun, self.launch
        launch = Launch(
            runs=asked.runs, address=asked.address, cpus=asked.cpus, display=asked.display, night=self._plan(resumed)
        )
        try:
            if resumed:
                finished = resume_sweep(begun.sweep, begun.directory, launch)
            else:
                shutil.rmtree(
                    begun.directory.path, ignore_errors=True
                )  # of a driver that was killed before its journal
                finished = start_sweep(begun.sweep, launch)
        except InputError:
            if not resumed:
                self.folder.forget(begun.record())
            raise
        except RunError as error:
            self._say_incomplete(f"it could not run: {str(error).splitlines()[0]}")
            self._leave(None)
            raise
        if self.ended is None:
            self._say_incomplete("it ended without a verdict")
        return self._leave(finished)

    def _plan(self, resumed: bool) -> NightPlan:
        begun, budget = self.begun, self.sweep.nightly.budget
        spent = seconds_spent(read_journal(begun.directory.journal)) if resumed else 0.0
        whole = None if budget.hours is None else 3600 * budget.hours
        reference, nights = self.history.figures(begun.key)
        rules, state = rules_of(self.sweep), begun.state_before
        conditions = fingerprint(begun.record())
        first = self.sweep.nightly.seeds if reference is not None else len(self.seeds)
        return NightPlan(
            directory=begun.directory.name,
            opening={"kind": "night", "id": begun.id, "sweep": begun.sweep.name},
            closing=self._close,
            controls=Controls(
                begun.control,
                self.seeds,
                first,
                lambda values: asks_for_more(values, reference, nights, rules, state, conditions),
            )
            if begun.control
            else None,
            seconds=None if whole is None else whole - spent,
            seconds_told=whole,
            gpu_seconds=None if budget.gpu_hours is None else 3600 * budget.gpu_hours,
        )

    def _close(self, run: SweepRecord) -> list[Line]:
        """The verdict, before the journal's last line."""
        record = judged(self.begun.filled(run), run, self.history, self.sweep, len(self.seeds))
        self.ended = record = replace(record, seconds=self._seconds())
        return [
            {
                "kind": "night",
                "verdict": record.verdict,
                "why": record.judgement.why,
                "state": record.state,
                "date": record.date,
                "reference": record.reference or "",
            }
        ]

    def _seconds(self) -> float:
        return seconds_spent(read_journal(self.begun.directory.journal))

    def _say_incomplete(self, why: str) -> None:
        directory = self.begun.directory
        record = self.begun.record()
        with suppress(RunError, FileNotFoundError):
            record = self.begun.filled(directory.record())
        self.ended = replace(record, judgement=Judgement(INCOMPLETE, why), state=INCOMPLETE)

    def _leave(self, finished: Finished | None) -> Outcome:
        """Record, reference, notification, pages: the night has ended."""
        assert self.ended is not None
        record = replace(self.ended, ended_at=self.launch.clock())
        if record.state != INCOMPLETE:
            self._keep_reference(record, finished)
        if is_news(record):
            said = notify(record, self.folder.page(record), self.sweep.nightly.notify, self.environ)
            record = replace(record, notified=said.notified, notes=(*record.notes, *said.notes))
        self.folder.write(record)
        return self._outcome(record, finished)

    def _keep_reference(self, record: NightRecord, finished: Finished | None) -> None:
        """A night that begins a history is its reference; without a control its best becomes one."""
        kept = self.folder.reference()
        if not record.control:
            found = None if finished is None else best_as_reference(self.sweep, finished.record, record.id)
            if kept is None and found is not None:
                self.folder.write_reference(found)
        elif record.reference == record.id:
            assert self.reference is not None
            reference: Reference = kept or self.reference
            self.folder.write_reference(replace(reference, night=record.id))

    def _outcome(self, record: NightRecord, finished: Finished | None) -> Outcome:
        nights = [*(one for one in self.folder.nights() if one.id != record.id), record]
        nights.sort(key=lambda one: one.started_at)
        run: SweepRecord | None = None
        directory = RunDirectory(self.folder.runs / record.run)
        with suppress(RunError, FileNotFoundError):
            run = directory.record()
        report = f"../{record.run}/report.html" if directory.report.is_file() else None
        html = night_html(record, nights, run, report)
        self.folder.write_pages(record, html, night_markdown(record, nights))
        summary: Mapping[str, Any] | None = None if finished is None else finished.summary
        if summary is None and directory.summary.is_file():
            summary = json.loads(directory.summary.read_text(encoding="utf-8"))
        code = exit_code(record, run)
        return Outcome(record.verdict, record.judgement.why, code, record, self.folder.page(record), summary)


def _goes_on(record: NightRecord) -> bool:
    """Whether a second start has something left to do: the night was killed or stopped, or too little of it ended."""
    return record.ended_at is None or record.verdict == INCOMPLETE
