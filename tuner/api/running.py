"""One sweep from its file to its report: the driver's whole life, on Ray or in this process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import tuner.tracking as tracking
from tuner.api.drivers import OnRay, in_process
from tuner.api.environment import environment
from tuner.api.finishing import Finished, finish
from tuner.api.going_on import TRIALS, differences, trials_told
from tuner.api.launching import Display, Launch
from tuner.api.meters import SweepMeters
from tuner.api.mirrored import mirrored
from tuner.api.opening import first_line
from tuner.api.sweeps import load_resolved
from tuner.api.warm import Warm, gather
from tuner.control.checkpoints import CheckpointKeeper
from tuner.control.controller import Controller
from tuner.control.replay import replay
from tuner.control.rules import Rules
from tuner.errors import InputError, RunError
from tuner.launch.signals import clean_stop
from tuner.records.journal import Journal, Line, read_journal
from tuner.records.mirror import Mirror
from tuner.records.run_directory import RunDirectory, new_run_directory, new_run_name, write_atomically
from tuner.report.live import PlainLines
from tuner.search.make import make_scheduler, make_searcher
from tuner.search.study_log import StudyLog
from tuner.sweep import Sweep, dump_sweep
from tuner.training.plan import TrainingPlan
from tuner.training.weights_source import check_weights


def start_sweep(sweep: Sweep, launch: Launch) -> Finished:
    """Run a sweep from the beginning. Raises InputError before anything is written, RunError when it failed."""
    return _Drive(sweep, launch, None).go()


def resume_sweep(sweep: Sweep, directory: RunDirectory, launch: Launch) -> Finished:
    """Go on where the journal of `directory` ends."""
    return _Drive(sweep, launch, directory).go()


class _Drive:
    """One driver: it holds the journal's lock from the first line to the last."""

    def __init__(self, sweep: Sweep, launch: Launch, directory: RunDirectory | None) -> None:
        self.sweep, self.launch = sweep, launch
        self.resumed = directory is not None
        if directory is not None:
            self.warm = _warm_again(sweep, directory, launch.runs)
        else:
            self.warm = launch.warm or gather(sweep, launch.runs)
        self.directory = directory or _new_directory(sweep, launch)
        self.uri = _tracking_uri(sweep, launch, self.directory if self.resumed else None)
        self.listeners: list[Callable[[Sequence[Line]], None]] = []
        self.signal: str | None = None
        self.began = time.time()

    def go(self) -> Finished:
        if self.uri is not None:
            tracking.check_uri(self.uri)
        with mirrored(self.sweep, self.directory) as mirror:
            return self._driven(mirror)

    def _driven(self, mirror: Mirror | None) -> Finished:
        searcher = make_searcher(
            self.sweep.search.algorithm,
            self.sweep.search.algorithm_options,
            self.sweep.space,
            mode=self.sweep.metric.mode,
            seed=self.sweep.seed,
        )
        scheduler = make_scheduler(
            self.sweep.search.scheduler, self.sweep.search.scheduler_options, max_epochs=self.sweep.search.max_epochs
        )
        with Journal(self.directory.journal) as journal, self._driver_log() as log:
            controller = Controller(self._rules(), searcher, scheduler, lambda lines: self._write(journal, lines))
            plan = TrainingPlan.from_sweep(self.sweep, self.directory, loop=self.launch.loop)
            drop = None
            if mirror is not None:
                plan, drop = replace(plan, remote=mirror.storage.uri), mirror.drop
            keeper = CheckpointKeeper(self.directory, self.sweep.checkpoints.keep, self.sweep.metric.mode, drop)
            keeper.lines(journal.lines)
            study = StudyLog(self.directory.study, self.sweep.space)
            study.lines(journal.lines)
            self.listeners += [keeper.lines, study.lines]
            views: list[Display] = [PlainLines(log, self._deadline())]
            if self.launch.address == "none":
                drive = in_process
            else:
                meters = SweepMeters(self.directory, tracked=self.uri is not None, say=log.write)
                drive = OnRay(self.sweep, self.launch, self.directory, meters).drive
                views.append(meters)
            if self.launch.display is not None:
                views.append(self.launch.display(self._deadline()))
            for view in views:
                view.lines(journal.lines)
                self.listeners.append(view.lines)
            self._begin(journal, controller)
            follower = self._follow()
            if mirror is not None:
                mirror.start()
            try:
                with clean_stop(lambda name: self._on_signal(controller, name)):
                    check_weights(plan.weights, plan.folder, Path(plan.runs))
                    drive(controller, plan, lambda: _refresh(views, mirror))
                if mirror is not None:
                    mirror.fetch_results()
            except (InputError, RunError):
                self._take_back(follower, mirror)
                raise
            finally:
                for view in views:
                    view.close()
            return finish(
                self.directory,
                journal,
                controller,
                self.sweep,
                follower,
                began=self.began,
                uri=self.uri,
                wait=self.launch.tracking_wait,
                signal=self.signal,
                closing=None if self.launch.night is None else self.launch.night.closing,
            )

    def _rules(self) -> Rules:
        rules = Rules.from_sweep(self.sweep)
        return rules if self.launch.night is None else self.launch.night.rules(rules)

    def _driver_log(self) -> TextIO:
        """What a person would have seen without a terminal, kept beside the trials' own logs."""
        self.directory.logs.mkdir(parents=True, exist_ok=True)
        return (self.directory.logs / "driver.log").open("a", encoding="utf-8", buffering=1)

    def _deadline(self) -> float | None:
        seconds = self._rules().seconds
        return None if seconds is None else self.began + seconds

    def _begin(self, journal: Journal, controller: Controller) -> None:
        attempt = 1 + sum(line["kind"] == "driver" for line in journal.lines)
        before = list(journal.lines)
        if not before:
            write_atomically(self.directory.sweep, dump_sweep(self.sweep))
            write_atomically(self.directory.environment, json.dumps(environment(Path.cwd()), indent=1) + "\n")
            first = first_line(self.sweep, self.directory, warm=len(self.warm.lines))
            self._write(journal, [{"at": self.began, **first}])
            if self.launch.night is not None:
                self._write(journal, [{"at": self.began, **self.launch.night.opening}])
        elif changed := self._changed(before):
            write_atomically(self.directory.sweep, dump_sweep(self.sweep))
            self._write(journal, [{"kind": "change", "at": self.began, "settings": changed}])
        before += self._warm_up(journal)
        self._write(
            journal,
            [
                {
                    "kind": "driver",
                    "at": self.began,
                    "attempt": attempt,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                }
            ],
        )
        replay(controller, before)

    def _changed(self, before: list[Line]) -> dict[str, Any]:
        """What is otherwise from now on; also what a driver that was killed had changed before it could say so."""
        changed = differences(load_resolved(self.directory), self.sweep)
        if (self.sweep.search.trials or 0) != trials_told(before):
            changed[TRIALS] = self.sweep.search.trials
        return changed

    def _warm_up(self, journal: Journal) -> list[Line]:
        """Write what the searcher is told of earlier runs, unless it stands there. Returns what was written.

        A driver that was killed while it wrote these lines had not begun: the next one writes the rest.
        """
        if any(line["kind"] == "driver" for line in journal.lines):
            return []
        done = sum(line["kind"] in ("warm_from", "warm") for line in journal.lines)
        lines: list[Line] = [{"at": self.began, **line} for line in self.warm.journal[done:]]
        self._write(journal, lines)
        return lines

    def _write(self, journal: Journal, lines: Sequence[Line]) -> None:
        journal.append_many(list(lines))
        for listener in self.listeners:
            listener(lines)

    def _follow(self) -> tracking.TrackingProcess | None:
        if self.uri is None:
            return None
        section = self.sweep.tracking
        name = section.experiment or self.sweep.slug
        return tracking.start(
            self.directory, self.uri, name, curves=section.curves, system_metrics=section.system_metrics
        )

    def _on_signal(self, controller: Controller, name: str) -> None:
        self.signal = name
        controller.request_stop("user", f"stopped by {name}")

    def _take_back(self, follower: tracking.TrackingProcess | None, mirror: Mirror | None) -> None:
        """No cluster, or input that turned out wrong before any trial had reported: leave nothing half begun."""
        if follower is not None:
            follower.close()
        if self.resumed or any(line["kind"] == "report" for line in read_journal(self.directory.journal)):
            return
        if mirror is not None:
            mirror.discard()
        shutil.rmtree(self.directory.path, ignore_errors=True)
        with contextlib.suppress(OSError):  # other runs are in it
            self.directory.path.parent.rmdir()


def _warm_again(sweep: Sweep, directory: RunDirectory, runs: Path) -> Warm:
    """Of a run that goes on: nothing, unless its first driver was killed before it had begun."""
    begun = any(line["kind"] == "driver" for line in read_journal(directory.journal))
    return Warm((), (), ()) if begun else gather(sweep, runs)


def _refresh(views: Sequence[Display], mirror: Mirror | None) -> None:
    if mirror is not None:
        mirror.check()
    now = time.time()
    for view in views:
        view.refresh(now)


def _tracking_uri(sweep: Sweep, launch: Launch, resumed: RunDirectory | None) -> str | None:
    """A run that goes on is tracked where it was, from whatever folder it is resumed."""
    if not launch.track or sweep.tracking.uri == "none":
        return None
    if sweep.tracking.uri or resumed is None:
        return sweep.tracking.uri or tracking.default_uri(launch.runs)
    state = tracking.read_state(resumed)
    here = tracking.default_uri(resumed.path.parent)
    return state.uri if state is not None and tracking.is_there(state.uri) else here


def _new_directory(sweep: Sweep, launch: Launch) -> RunDirectory:
    if launch.night is not None:
        return RunDirectory(Path(os.path.abspath(launch.runs)) / launch.night.directory)  # noqa: PTH100
    return new_run_directory(launch.runs, launch.name or new_run_name(sweep.slug))
