"""`tuner jobs`: the jobs on a cluster; their logs, their end, their run directories."""

from __future__ import annotations

import json
import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.options import Json
from tuner.cli.submit import Address

if TYPE_CHECKING:
    from tuner.launch.job_server import JobServer
    from tuner.launch.jobs import Job


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    LOGS = "logs"
    STOP = "stop"
    FETCH = "fetch"


def command(
    action: Annotated[Action, typer.Argument(help="What to do.")] = Action.LIST,
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job's id, or its beginning.")] = None,
    address: Address = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="With logs: until the job ends.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="With fetch: the folder; left out: runs/RUN.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List a cluster's jobs, show a job's log, stop a job cleanly, or fetch its run directory."""
    from tuner.api.jobs import find_job, listed
    from tuner.launch.jobs import check_address

    where = check_address(address, os.environ)
    _refuse_idle_options(action, job, follow=follow, out=out, as_json=as_json)
    from tuner.launch.job_server import JobServer

    server = JobServer(where)
    if action is Action.LIST:
        _list(listed(server.jobs()), as_json)
        return
    found = find_job(job, server.jobs())
    if action is Action.LOGS:
        if follow:
            from tuner.cli.following import follow_job

            sys.exit(follow_job(server, found.id))
        sys.stdout.write(server.log(found.id))
    elif action is Action.STOP:
        sys.exit(_stop(server, found))
    else:
        _fetch(server, found, out, as_json)


def _refuse_idle_options(action: Action, job: str | None, *, follow: bool, out: Path | None, as_json: bool) -> None:
    """No option is read and then ignored."""
    from tuner.errors import Fault, InputError

    given = {
        "JOB": (job is not None, (Action.LOGS, Action.STOP, Action.FETCH)),
        "--follow": (follow, (Action.LOGS,)),
        "--out": (out is not None, (Action.FETCH,)),
        "--json": (as_json, (Action.LIST, Action.FETCH)),
    }
    faults = tuple(
        Fault(name, None, f"means nothing to `jobs {action.value}`: it goes with {' and '.join(uses)}")
        for name, (is_given, uses) in given.items()
        if is_given and action not in uses
    )
    if faults:
        raise InputError("the command line", faults)


def _list(jobs: list[Job], as_json: bool) -> None:
    from tuner.api.jobs import row
    from tuner.report.wording import NOTHING, duration

    rows = [row(job, time.time()) for job in jobs]
    if as_json:
        print(json.dumps({"jobs": rows}, indent=1))
        return
    table = [("job", "sweep", "status", "started", "duration", "run")]
    for one in rows:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["started"])) if one["started"] else NOTHING
        took = duration(one["seconds"])
        table.append((one["job"], one["sweep"] or NOTHING, one["status"], started, took, one["run"] or NOTHING))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _stop(server: JobServer, job: Job) -> int:
    from tuner.launch.job_server import STOP_SECONDS

    if job.over or not server.stop(job.id):
        sys.stderr.write(f"{job.id} has ended already: {job.status.lower()}\n")
        return 0
    sys.stderr.write(f"{job.id} is asked to stop: it ends cleanly, or is killed after {STOP_SECONDS} s\n")
    try:
        job = server.wait(job.id, STOP_SECONDS + 30)
    except KeyboardInterrupt:
        sys.stderr.write("\nno longer waiting; it was asked to stop\n")
        return 130
    sys.stderr.write(f"{job.id} {job.status.lower()}\n")
    return 0 if job.over else 3


def _fetch(server: JobServer, job: Job, out: Path | None, as_json: bool) -> None:
    from tuner.api.fetch import fetch
    from tuner.api.submit import RUN_KEY

    target = out or Path("runs") / job.metadata.get(RUN_KEY, job.id).rpartition("/")[2]
    if not job.over:
        sys.stderr.write("the job still runs: this is its run directory as it stands\n")
    fetched = fetch(server, job, Path(os.path.abspath(target)))  # noqa: PTH100  (resolve() would follow links)
    if as_json:
        told = {"job": job.id, "path": str(fetched.path), "files": fetched.files, "bytes": fetched.bytes}
        print(json.dumps(told, indent=1))
    else:
        size = f"{fetched.bytes / 2**20:.1f} MiB"
        sys.stderr.write(f"{fetched.files} files, {size}, each as its hash says; tuner report {target}\n")
        print(fetched.path)
