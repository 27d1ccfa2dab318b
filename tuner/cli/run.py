"""`tuner run SWEEP`: run a sweep, or resume one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from tuner.cli.options import Address, Cpus, Data, Json, RunsOrStorage, Set, Trials, changes
from tuner.errors import Fault, InputError


def command(
    sweep: Annotated[str | None, typer.Argument(help="A sweep file, or the name of a shipped one.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="RUN", help="Go on with this run.")] = None,
    trials: Trials = None,
    settings: Set = None,
    data: Data = None,
    address: Address = None,
    concurrency: Annotated[int | None, typer.Option(help="Trials at once; left out: as many as fit.")] = None,
    cpus: Cpus = None,
    runs: RunsOrStorage = None,
    run_name: Annotated[
        str | None, typer.Option("--run-name", help="Of the new run's directory; left out: sweep, date, four letters.")
    ] = None,
    as_json: Json = False,
    final_test: Annotated[
        bool, typer.Option("--final-test", help="At the very end: the best one on the test split, once.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")] = False,
) -> None:
    """Run a sweep: suggest, train, stop, diagnose, record; ends with a report. Ctrl-C stops cleanly."""
    from tuner.api.final_test import final_test as test
    from tuner.api.final_test import refuse_without_test
    from tuner.api.going_on import open_again
    from tuner.api.launching import Launch
    from tuner.api.running import resume_sweep, start_sweep
    from tuner.api.sweeps import load_sweep, runs_folder
    from tuner.api.warm import gather
    from tuner.records.run_directory import find_run
    from tuner.sweep import ray_address

    given = changes(settings, trials=trials, data=data, concurrency=concurrency)
    if (sweep is None) == (resume is None):
        raise InputError("what to run", (Fault("tuner run", None, "give a sweep file, or --resume RUN, not both"),))
    if resume is not None and run_name is not None:
        raise InputError("what to run", (Fault("--run-name", run_name, "leave it out: --resume names the run"),))
    folder = runs_folder(None if runs is None else runs.expanduser())
    launch = Launch(
        runs=folder, name=run_name, address=ray_address(address, os.environ), cpus=cpus, display=_display(quiet)
    )
    if resume is not None:
        directory = find_run(resume, folder)
        again = open_again(directory, given.values, given.flags)
        if again.over:
            if final_test:
                test(again.sweep, directory)
            _print_finished(directory, as_json)
            return
        loaded = again.sweep
        if final_test:
            refuse_without_test(loaded, directory.path.parent)
        finished = resume_sweep(loaded, directory, launch)
    else:
        assert sweep is not None
        loaded = load_sweep(sweep, given.values, given.flags)
        folder = folder if runs is not None else runs_folder(None, loaded)
        warm = gather(loaded, folder)
        launch = replace(launch, runs=folder, warm=warm)
        if not quiet:
            from tuner.api.plan import describe

            notes = [f"note       {note}\n" for note in warm.notes]
            sys.stderr.write(describe(loaded, in_process=launch.address == "none") + "\n" + "".join(notes))
        if final_test:
            refuse_without_test(loaded, folder)
        finished = start_sweep(loaded, launch)
    if final_test and finished.exit_code == 0:
        finished = test(loaded, finished.directory, finished)
    if as_json:
        print(json.dumps(finished.summary, indent=1))
    elif not quiet:
        _print_end(finished.record, finished.directory)
    if not finished.tracked:
        sys.stderr.write(f"MLflow has not got everything yet: tuner track {finished.directory.path}\n")
    sys.exit(finished.exit_code)


def _display(quiet: bool) -> Callable[[float | None], Any]:
    from tuner.report.live import display

    return lambda deadline: display(quiet=quiet, deadline=deadline)


def _print_finished(directory: Any, as_json: bool) -> None:
    if as_json:
        print(directory.summary.read_text(encoding="utf-8"), end="")
    else:
        _print_end(directory.record(), directory)


def _print_end(record: Any, directory: Any) -> None:
    from tuner.report.terminal import print_final

    print_final(record, directory)
