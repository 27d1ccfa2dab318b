"""The functions that a person calls: `tuner.run`, `tuner.open_run`, `tuner.diagnose`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tuner.api.final_test import final_test as test_finally
from tuner.api.final_test import refuse_without_test
from tuner.api.finishing import Finished
from tuner.api.going_on import open_again
from tuner.api.launching import Display, Launch
from tuner.api.result import Result
from tuner.api.running import resume_sweep, start_sweep
from tuner.api.sweeps import load_sweep, runs_folder
from tuner.errors import Fault, InputError
from tuner.records.finding import Diagnosis
from tuner.records.history import History
from tuner.records.run_directory import find_run
from tuner.sweep import Sweep, ray_address, sweep_from_mapping
from tuner.training.catalogue import CATALOGUE


def run(
    sweep: str | Path | Callable[..., object] | None = None,
    *,
    space: Mapping[str, Any] | None = None,
    trials: int | None = None,
    max_epochs: int | None = None,
    metric: str | Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    resume: str | Path | None = None,
    address: str | None = None,
    concurrency: int | None = None,
    runs: str | Path | None = None,
    track: bool = True,
    display: Callable[[float | None], Display] | None = None,
    final_test: bool = False,
) -> Result:
    """Run a sweep and return what it came to.

    `sweep` is the path of a sweep file, the name of a shipped one, or a training function of one argument, a
    `tuner.Trial`; a function needs `space`, in a sweep file's grammar (`{"lr": {"float": [1e-5, 1], "log": True}}`).
    `settings` changes any value by its path in the file (`{"search.scheduler": "none"}`). `resume` goes on with a run
    instead, with a finished one too when more `trials` are asked for. `address="none"` runs in this process, without
    Ray; `track=False` leaves MLflow out. `final_test` looks at the test split once, at the very end
    (`Result.final_test`).

    Raises SweepFileError or InputError for what is wrong with the input, RunError where the cluster or the storage
    failed. Trials that fail do not raise: see `Result.status` and each trial's `reason`.
    """
    changes = _changes(settings, trials, max_epochs, concurrency)
    where = ray_address(address, os.environ)
    launch = Launch(runs=runs_folder(runs), address=where, track=track, display=display)
    if resume is not None:
        directory = find_run(resume, launch.runs)
        again = open_again(directory, changes)
        if again.over and not final_test:
            return Result(directory, again.record)
        return _result(again.sweep, lambda: resume_sweep(again.sweep, directory, launch), final_test, launch)
    if callable(sweep):
        made = _function_sweep(sweep, space, metric, changes)
        mine = replace(launch, loop=sweep, runs=runs_folder(runs, made))
        return _result(made, lambda: start_sweep(made, mine), final_test, launch)
    if sweep is None:
        raise InputError("nothing to run", (Fault("sweep", None, "give a sweep file, a shipped name or a function"),))
    if space is not None or metric is not None:
        raise InputError("a sweep file says its own", (Fault("space, metric", None, "change them with `settings`"),))
    read = load_sweep(sweep, changes)
    ours = replace(launch, runs=runs_folder(runs, read))
    return _result(read, lambda: start_sweep(read, ours), final_test, ours)


def _result(sweep: Sweep, drive: Callable[[], Finished], test: bool, launch: Launch) -> Result:
    if test:
        refuse_without_test(sweep, launch.runs)
    finished = drive()
    if test and finished.exit_code == 0:
        finished = test_finally(sweep, finished.directory, finished)
    return Result(finished.directory, finished.record)


def _changes(
    settings: Mapping[str, Any] | None, trials: int | None, max_epochs: int | None, concurrency: int | None
) -> dict[str, str]:
    """Overrides as a command line would give them; JSON is YAML."""
    given: dict[str, Any] = dict(settings or {})
    for name, value in (("trials", trials), ("max_epochs", max_epochs), ("concurrency", concurrency)):
        if value is not None:
            given[f"search.{name}"] = value
    return {path: value if isinstance(value, str) else json.dumps(value) for path, value in given.items()}


def _function_sweep(
    function: Callable[..., object],
    space: Mapping[str, Any] | None,
    metric: str | Mapping[str, str] | None,
    changes: Mapping[str, str],
) -> Sweep:
    if space is None:
        raise InputError("a function needs a space", (Fault("space", None, 'such as {"lr": {"float": [1e-5, 1]}}'),))
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    data: dict[str, Any] = {
        "name": name,
        "loop": f"{getattr(function, '__module__', '__main__')}:{name}",
        "space": dict(space),
    }
    if metric is not None:
        data["metric"] = metric
    return sweep_from_mapping(data, catalogue=CATALOGUE, overrides=changes, environment=os.environ)


def open_run(run: str | Path, *, runs: str | Path = "runs") -> Result:
    """Read a run directory, finished or not. Raises InputError where there is none of that name."""
    directory = find_run(run, runs_folder(runs))
    return Result(directory, directory.record())


def diagnose(
    *,
    train_loss: Sequence[float | None] | None = None,
    val_loss: Sequence[float | None] | None = None,
    id: str = "history",
    **known: Any,
) -> Diagnosis:
    """Diagnose one curve from anywhere.

    Losses are one value an epoch, in natural units; None is a value that was not measured. Further keys as in an input
    file of `tuner diagnose`: other curves (`train_accuracy=[...]`), and what is known (`initial_loss`, `baseline_loss`,
    `num_classes`, `n_val`, `max_epochs`, `steps_per_epoch`, `config`, ...).
    """
    from tuner.diagnosis import diagnose as diagnose_histories
    from tuner.importers import history_from_mapping

    given: dict[str, Any] = {"id": id, **known}
    for name, curve in (("train_loss", train_loss), ("val_loss", val_loss)):
        if curve is not None:
            given[name] = [None if value is None else float(value) for value in np.asarray(curve, object)]
    history: History = history_from_mapping(given)
    return diagnose_histories([history])[0]
