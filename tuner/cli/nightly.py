"""`tuner nightly SWEEP`: one of a sweep's nights; or its schedule, or a night accepted as the reference."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Address, Changes, Cpus, Data, Json, RunsOrStorage, Set, changes
from tuner.errors import Fault, InputError


def command(
    sweep: Annotated[str, typer.Argument(help="A sweep file, or the name of a shipped one.")],
    settings: Set = None,
    data: Data = None,
    address: Address = None,
    cpus: Cpus = None,
    runs: RunsOrStorage = None,
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept", metavar="NIGHT", help="Make this night the reference (id, date or `last`); run nothing."
        ),
    ] = None,
    keep_control: Annotated[
        bool, typer.Option("--keep-control", help="With --accept: the control configuration stays as it is.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--print", metavar="FORM", help="Print a schedule for cron, systemd or kubernetes; run nothing."),
    ] = None,
    at: Annotated[str | None, typer.Option(help="With --print: when, by the file's time zone, such as 03:00.")] = None,
    image: Annotated[str | None, typer.Option(help="With --print kubernetes: the container image.")] = None,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")] = False,
) -> None:
    """Run a sweep's night: control trials, search, finalists, verdict. A night that was killed goes on."""
    from tuner.api.sweeps import load_sweep, runs_folder

    given = changes(settings, data=data)
    _refuse_alone({"--keep-control": keep_control and accept is None})
    _refuse_alone({"--at": at is not None and form is None, "--image": image is not None and form is None}, "--print")
    loaded = load_sweep(sweep, given.values, given.flags)
    runs = runs_folder(runs, loaded)
    if form is not None:
        print(_schedule(form, sweep, loaded, given, address, cpus, runs, at, image), end="")
        return
    if accept is not None:
        from tuner.nightly.accept import accept_night

        print(accept_night(loaded, runs, accept, keep_control=keep_control))
        return
    from tuner.nightly.night import NightLaunch, run_night
    from tuner.report.live import display
    from tuner.sweep import ray_address

    outcome = run_night(
        loaded,
        NightLaunch(
            runs=runs,
            address=ray_address(address, os.environ),
            cpus=cpus,
            display=lambda deadline: display(quiet=quiet, deadline=deadline),
            say=_nothing if quiet else _to_standard_error,
        ),
    )
    if as_json:
        print(json.dumps(outcome.to_json(), indent=1))
    else:
        print(outcome.line)
        if outcome.page is not None:
            print(f"page: {outcome.page}")
    sys.exit(outcome.exit_code)


def _nothing(_text: str) -> None:
    """--quiet."""


def _to_standard_error(text: str) -> None:
    sys.stderr.write(text)


def _refuse_alone(given: dict[str, bool], flag: str = "--accept") -> None:
    faults = tuple(Fault(name, None, f"means something beside {flag} alone") for name, there in given.items() if there)
    if faults:
        raise InputError("the command line", faults)


def _schedule(
    form: str,
    source: str,
    loaded: object,
    given: Changes,
    address: str | None,
    cpus: int | None,
    runs: Path,
    at: str | None,
    image: str | None,
) -> str:
    from tuner.nightly.schedule import Schedule, printed
    from tuner.nightly.schedule.plan import DEFAULT_AT
    from tuner.sweep import Sweep

    assert isinstance(loaded, Sweep)
    words = [word for path, value in given.values.items() for word in ("--set", f"{path}={value}")]
    words += [] if address is None else ["--address", address]
    words += [] if cpus is None else ["--cpus", str(cpus)]
    webhook = loaded.nightly.notify.webhook
    budget = loaded.nightly.budget.hours
    return printed(
        form,
        Schedule(
            sweep=source,
            name=loaded.name,
            folder=Path.cwd(),
            python=Path(sys.executable),
            at=DEFAULT_AT if at is None else at,
            time_zone=loaded.nightly.time_zone,
            arguments=tuple(words),
            runs=str(runs),
            hours=loaded.stop.hours if budget is None else budget,
            secrets=() if webhook is None else (webhook,),
            environment=os.environ,
            image=image,
            gpu=loaded.resources.gpu * loaded.resources.workers,
        ),
    )
