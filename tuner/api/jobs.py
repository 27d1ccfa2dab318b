"""Jobs for people and scripts: found by the start of their ids, told in a row, ended with an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.api.fetch import FETCHES_KEY
from tuner.api.submit import RUN_KEY, SWEEP_KEY
from tuner.errors import Fault, InputError
from tuner.launch.jobs import Job


def listed(jobs: Sequence[Job]) -> list[Job]:
    """Without the small jobs that pack run directories."""
    return [job for job in jobs if FETCHES_KEY not in job.metadata]


def find_job(start: str | None, jobs: Sequence[Job]) -> Job:
    """The job of that id, or the only one whose id begins so. Raises InputError with the ids that there are."""
    there = listed(jobs)
    exact = [job for job in there if job.id == start]
    found = exact or [job for job in there if start and job.id.startswith(start)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(job.id for job in (found or there)[-5:])
    if start is None:
        cure = f"name one: {ids}" if ids else "there is none on this cluster"
    elif found:
        cure = f"begins the ids of {len(found)} jobs: {ids}"
    else:
        cure = f"no such job; there are: {ids}" if ids else "no such job, and none on this cluster"
    raise InputError("which job", (Fault("JOB", start, cure),))


def row(job: Job, now: float) -> dict[str, Any]:
    """One job as `--json` tells it; `now`: Unix seconds."""
    return {
        "job": job.id,
        "sweep": job.metadata.get(SWEEP_KEY),
        "run": job.metadata.get(RUN_KEY),
        "status": job.status,
        "started": job.started,
        "ended": job.ended,
        "seconds": None if job.started is None else round((job.ended or now) - job.started, 3),
        "exit_code": job.exit_code,
    }


def exit_code(job: Job) -> int:
    """Of a command that waited for the job: the job's own; 130 where it was stopped, 3 where it never began."""
    if job.status == "SUCCEEDED":
        return 0
    if job.status == "STOPPED":
        return 130
    return job.exit_code if job.exit_code and job.exit_code > 0 else 3  # below 0: a signal's number
