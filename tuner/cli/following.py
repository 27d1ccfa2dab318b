"""A job's log on the terminal: live until the job ends, and a Ctrl-C that leaves the job alone."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.launch.job_server import JobServer


def hints(id: str, address: str) -> str:
    """What can be done with a job from here."""
    where = shlex.quote(address)
    return (
        f"  tuner jobs logs {id} --follow --address {where}\n"
        f"  tuner jobs stop {id} --address {where}\n"
        f"  tuner jobs fetch {id} --address {where}\n"
    )


def follow_job(server: JobServer, id: str, told: dict[str, Any] | None = None) -> int:
    """Show the log until the job ends, and return the exit code; 130 where Ctrl-C detached.

    `told`: printed at the end as JSON, together with how the job ended; the log then goes to standard error.
    """
    from tuner.api.jobs import exit_code
    from tuner.report.wording import duration

    out = sys.stdout if told is None else sys.stderr

    def write(text: str) -> None:
        out.write(text)
        out.flush()

    try:
        job = server.follow(id, write)
    except KeyboardInterrupt:
        sys.stderr.write(f"\ndetached; the job goes on\n{hints(id, server.address)}")
        return 130
    code = exit_code(job)
    took = "" if job.started is None or job.ended is None else f" in {duration(job.ended - job.started)}"
    sys.stderr.write(f"job {id} {job.status.lower()}{took}\n")
    if code and job.exit_code is None and job.message:
        sys.stderr.write(f"{job.message}\n")
    if told is not None:
        print(json.dumps(told | {"status": job.status, "exit_code": job.exit_code}, indent=1))
    else:
        sys.stderr.write(f"  tuner jobs fetch {id} --address {shlex.quote(server.address)}\n")
    return code
