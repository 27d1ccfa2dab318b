"""`--final-test`: the best one on the test split, once, at the very end, and recorded as touched.

A second look at the same weights is refused: it would say the same, and a test split that is looked at until it pleases
is a validation split. Where the sweep has gone on since and another training is the best one, the look is made and
counted: `touched` says how many there were.

Test against validation   the same weights on both splits; the standard error of the difference is
                          √(s²_val / n_val + s²_test / n_test), with s² the variance over a split's examples. Worse by
                          more than 1.645 of these is more than chance explains in 95 of 100 cases: the search has
                          fitted the validation split (variance, in the words of bias and variance).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tuner.tracking as tracking
from tuner.api.finishing import Finished, write_files
from tuner.api.mirrored import mirrored
from tuner.errors import Fault, InputError, RunError
from tuner.records.journal import Journal
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import FinalTest
from tuner.records.values import encode_metrics
from tuner.sweep import Sweep
from tuner.training.plan import TrainingPlan

TRACKING_WAIT_SECONDS = 60.0
"""How long MLflow may be out of reach; `tuner track RUN` brings the figures then."""
SURE = 1.645
"""Standard errors: one-sided, 95 of 100."""


def refuse_without_test(sweep: Sweep, runs: Path) -> None:
    """Raises InputError before anything is trained, where there will be nothing to test on."""
    _refuse_loop(sweep)
    from tuner.training.final_test import count_test

    count_test(TrainingPlan.from_sweep(sweep, RunDirectory(runs)))


def final_test(sweep: Sweep, directory: RunDirectory, finished: Finished | None = None) -> Finished:
    """Test the best one's weights, write it into the journal, the files and MLflow; `finished` as it is then.

    Raises InputError where there is nothing to test or the same weights were tested before.
    """
    _refuse_loop(sweep)
    from tuner.training.final_test import test_checkpoint

    with mirrored(sweep, directory), Journal(directory.journal) as journal:
        record = directory.record()
        kept = directory.best_checkpoint(record)
        if record.best is None or kept is None:
            cure = "no trial has a value and weights that were kept: there is nothing to test"
            raise InputError("no final test", (Fault("--final-test", directory.name, cure),))
        training, checkpoint = kept
        before = record.final_test
        if before is not None and (before.training, before.epoch) == (training.trial, training.best_epoch):
            when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(before.at))
            cure = f"these weights were tested on {when}, and a second look is refused: {before.says}"
            raise InputError("the test split was touched already", (Fault("--final-test", directory.name, cure),))
        tested = test_checkpoint(TrainingPlan.from_sweep(sweep, directory), checkpoint, record.best.config)
        found = FinalTest(
            trial=record.best.trial,
            training=training.trial,
            epoch=tested.epoch,
            metrics={f"test_{name}": value for name, value in tested.test.values.items()},
            validation={f"val_{name}": value for name, value in tested.validation.values.items()},
            noise={
                name: math.hypot(error, tested.validation.errors[name]) for name, error in tested.test.errors.items()
            },
            n_test=tested.test.count,
            n_val=tested.validation.count,
            touched=1 if before is None else before.touched + 1,
            at=time.time(),
            says="",
        )
        found = replace(found, says=sentence(found, record.metric, record.mode))
        journal.append(_line(found))
        journal.sync()
        record = directory.record()
        content = write_files(directory, record, sweep, _tracking_section(directory))
    tracked = _track(sweep, directory)
    return Finished(directory, record, content, 0 if finished is None else finished.exit_code, tracked)


def sentence(found: FinalTest, metric: str, mode: str) -> str:
    """Test against validation, for a person, in the sweep's own metric where the splits have it, else in the loss."""
    name = metric.removeprefix("val_")
    if metric not in found.validation or f"test_{name}" not in found.metrics:
        name, mode = "loss", "min"
    test, val, noise = found.metrics[f"test_{name}"], found.validation[f"val_{name}"], found.noise[name]
    worse = test - val if mode == "min" else val - test
    again = "" if found.touched == 1 else f" The test split has been touched {found.touched} times by this run."
    told = f"test_{name} {test:.4g} against val_{name} {val:.4g} of the same weights ({found.training})"
    if worse > SURE * noise:
        why = (
            f"worse by {worse:.2g}, more than the noise of both splits explains (standard error {noise:.2g}): the "
            "search has fitted the validation split (variance); expect the test value"
        )
    elif worse < -SURE * noise:
        why = (
            f"better by {-worse:.2g}, more than the noise of both splits explains (standard error {noise:.2g}): the "
            "validation examples are harder than the test examples"
        )
    else:
        why = f"a difference of {abs(worse):.2g} is within the noise of both splits (standard error {noise:.2g})"
    return f"{told}: {why}.{again}"


def _refuse_loop(sweep: Sweep) -> None:
    if sweep.task is None:
        cure = "the tuner does not know the test examples of a loop of your own: leave --final-test out"
        raise InputError("no final test", (Fault("loop", sweep.loop, cure),))


def _line(found: FinalTest) -> Mapping[str, Any]:
    told = asdict(found)
    return {"kind": "final_test", **told} | {
        name: encode_metrics(told[name]) for name in ("metrics", "validation", "noise")
    }


def _tracking_section(directory: RunDirectory) -> Mapping[str, Any]:
    """As it stands: a final test changes nothing about where the run is tracked."""
    state = tracking.read_state(directory)
    return {} if state is None else state.summary()


def _track(sweep: Sweep, directory: RunDirectory) -> bool:
    """Bring the test's figures to the MLflow run, where there is one; whether it has them all."""
    state = tracking.read_state(directory)
    if state is None or state.parent_run is None:
        return state is None
    uri = sweep.tracking.uri or tracking.default_uri(directory.path.parent)
    try:
        tracking.track(directory, uri, state.experiment, sweep.tracking.curves, patience=TRACKING_WAIT_SECONDS)
    except (InputError, RunError):
        return False
    return True
