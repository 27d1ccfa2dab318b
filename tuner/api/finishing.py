"""The end of a driver: the sweep's findings, the run directory's files, the journal's last line, MLflow's arrival."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tuner.tracking as tracking
from tuner.control.controller import Controller
from tuner.diagnosis import diagnose_sweep
from tuner.records.fold import Fold
from tuner.records.journal import Journal, Line, read_journal
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.records.trial import FAILED, SweepRecord
from tuner.report.html import html
from tuner.report.summary import write_summary
from tuner.report.tables import write_tables
from tuner.search.study_log import write_study_log
from tuner.sweep import Sweep

Closing = Callable[[SweepRecord], Sequence[Line]]
"""What else the journal is to hold before its last line: told the record with the status that it is about to have."""


@dataclass(frozen=True)
class Finished:
    """A driver's outcome."""

    directory: RunDirectory
    record: SweepRecord
    summary: Mapping[str, Any]
    exit_code: int
    tracked: bool
    """Whether MLflow has it all (also when nothing was to be tracked)."""


def finish(
    directory: RunDirectory,
    journal: Journal,
    controller: Controller,
    sweep: Sweep,
    follower: tracking.TrackingProcess | None,
    *,
    began: float,
    uri: str | None,
    wait: float,
    signal: str | None,
    closing: Closing | None = None,
) -> Finished:
    """Everything is derived from the journal; its `end` line comes last, when the files are there."""
    status, reason, exit_code = _outcome(controller, signal)
    fold = Fold(str(directory.path)).apply(read_journal(directory.journal))
    before = fold.record()
    now = time.time()
    found: list[Line] = [
        {"kind": "sweep_finding", "at": now, "finding": finding.to_json()} for finding in diagnose_sweep(before)
    ]
    journal.append_many(found)
    seconds = {
        "total": now - began,
        "training": _training_seconds(before),
        "orchestration": controller.busy_seconds,
        "tracking": 0.0,
    }
    fold.apply(found)
    if closing is not None:
        so_far = replace(fold.record(), status=status, reason=reason)
        said: list[Line] = [{"at": now, **line} for line in closing(so_far)]
        journal.append_many(said)
        fold.apply(said)
    end = {"kind": "end", "at": now, "status": status, "reason": reason, "seconds": seconds}
    record = fold.apply([end]).record()
    gather_pictures(directory, record)
    content = write_files(directory, record, sweep, _tracking_section(directory, sweep, uri))
    journal.append(end)
    journal.sync()
    tracked = True
    if follower is not None:
        waiting = time.monotonic()
        tracked = follower.wait(wait)
        follower.close()
        waited = time.monotonic() - waiting
        record = replace(record, seconds={**record.seconds, "tracking": record.seconds["tracking"] + waited})
        content = write_summary(record, directory, _tracking_section(directory, sweep, uri))
    return Finished(directory, record, content, exit_code, tracked)


def gather_pictures(directory: RunDirectory, record: SweepRecord) -> None:
    """What was drawn of the best one's kept weights, in place of what was there before. A best one that never came to
    its end has none."""
    kept = directory.best_checkpoint(record)
    drawn = kept[1].parent / "pictures" if kept is not None else None
    if drawn is not None and drawn.is_dir():
        shutil.rmtree(directory.pictures, ignore_errors=True)
        shutil.copytree(drawn, directory.pictures)


def write_files(
    directory: RunDirectory, record: SweepRecord, sweep: Sweep, section: Mapping[str, Any]
) -> Mapping[str, Any]:
    """All that is derived from the journal: tables, study, report, summary. Rebuilt whole, each file atomically.

    Returns what stands in the summary.
    """
    write_tables(record, directory)
    write_study_log(record, sweep.space, directory.study)
    write_atomically(
        directory.report, html(record, directory.sweep.read_text(encoding="utf-8"), directory.picture_files())
    )
    return write_summary(record, directory, section)


def _outcome(controller: Controller, signal: str | None) -> tuple[str, str, int]:
    """(status, reason, exit code)."""
    endings = [trial.ending for trial in controller.trials.values() if trial.is_search]
    if controller.stopped_by == "user":
        return "stopped", controller.stopping or f"stopped by {signal}", 130
    if controller.stopped_by == "storage":
        return "failed", controller.stopping or "", 3
    if endings and all(ending == FAILED for ending in endings):
        return "failed", f"all {len(endings)} trials failed", 3
    if controller.stopped_by == "clock":
        return "stopped", controller.stopping or "", 0
    too_few = controller.tried.exhausted if controller.rules.trials is not None else ""
    return "finished", controller.stopping or too_few, 0


def _training_seconds(record: SweepRecord) -> float:
    """Of this driver: what its trials' epochs took, summed over all workers."""
    already = record.seconds.get("training", 0.0)
    return sum(trial.seconds for trial in record.everything) - already


def _tracking_section(directory: RunDirectory, sweep: Sweep, uri: str | None) -> Mapping[str, Any]:
    state = tracking.read_state(directory)
    return {
        "tracking_uri": tracking.masked(uri) if uri is not None else None,
        "experiment": sweep.tracking.experiment or sweep.slug if uri is not None else None,
        "parent_run": state.parent_run if state is not None else None,
    }
