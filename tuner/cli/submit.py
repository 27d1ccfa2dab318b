"""`tuner submit SWEEP`: run a sweep as a job on a Ray cluster."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Data, Json, Set, Trials, changes

Address = Annotated[
    str | None,
    typer.Option(help="The job server, http://HOST:8265; left out: RAY_API_SERVER_ADDRESS, RAY_ADDRESS, this machine."),
]


def command(
    sweep: Annotated[str, typer.Argument(help="A sweep file, or the name of a shipped one.")],
    address: Address = None,
    runs: Annotated[
        str | None,
        typer.Option(
            help="Folder of the run directories, as the nodes see it; left out: `storage`, else ~/tuner-runs."
        ),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with this run in --runs, or on storage by its URI.")
    ] = None,
    trials: Trials = None,
    settings: Set = None,
    data: Data = None,
    concurrency: Annotated[int | None, typer.Option(help="Trials at once; left out: as many as fit.")] = None,
    final_test: Annotated[
        bool, typer.Option("--final-test", help="At the very end: the best one on the test split, once.")
    ] = False,
    include: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="A further file or folder that goes along; repeatable.")
    ] = None,
    requirements: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A requirements file: installed for the job, on top.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A variable whose value here the job gets; repeatable.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Show the job's log until it ends.")] = True,
    as_json: Json = False,
) -> None:
    """Submit a sweep to a cluster and follow its log; Ctrl-C only stops following. Ends with the job's exit code."""
    from tuner.api.submit import Order, make_submission, submit
    from tuner.cli.following import follow_job, hints
    from tuner.launch.jobs import check_address, reached_by_others

    given = changes(settings, trials=trials, data=data, concurrency=concurrency)
    where = check_address(address, os.environ)
    order = Order(
        sweep=sweep,
        runs=runs,
        resume=resume,
        values=given.values,
        flags=given.flags,
        options=("--final-test",) if final_test else (),
        include=tuple(include or ()),
        requirements=requirements,
        env=tuple(env or ()),
    )
    submission = make_submission(order, os.environ, root=Path.cwd())
    from tuner.launch.job_server import JobServer

    server = JobServer(where)
    sys.stderr.write(f"{submission}\n")
    if reached_by_others(where) and server.takes_anyone:
        sys.stderr.write(
            f"warning    {where} runs whatever anyone who reaches it sends: let it listen on 127.0.0.1 of the head and "
            "reach it by `ray dashboard`, or give the cluster a token (docs/cluster.md)\n"
        )
    submit(submission, server)
    told = {"job": submission.id, "run": submission.run, "address": where}
    if not follow:
        sys.stderr.write(hints(submission.id, where))
        print(json.dumps(told | {"status": "PENDING"}, indent=1) if as_json else submission.id)
        return
    sys.exit(follow_job(server, submission.id, told if as_json else None))
