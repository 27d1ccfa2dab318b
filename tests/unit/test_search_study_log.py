"""study.log: what Optuna reads from it is what our journal holds."""

from __future__ import annotations

import math
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.contract.searcher import SPACE, parameter
from tests.contract.searcher import run as sweep
from tuner.records.fold import Fold
from tuner.records.journal import VERSION, Line
from tuner.records.trial import trial_name
from tuner.records.values import encode_number
from tuner.search.make import make_searcher
from tuner.search.study_log import StudyLog, write_study_log
from tuner.space import Choice, Float, Space

HEAD = {
    "kind": "sweep",
    "at": 1.0e9,
    "version": VERSION,
    "run": "toy-1",
    "name": "toy",
    "metric": "val_loss",
    "mode": "min",
    "max_epochs": 9,
    "trials": 30,
    "seed": 0,
}


def journal(trials: int = 30) -> list[Line]:
    """A journal with every ending, as the controller writes it."""
    lines: list[Line] = [HEAD]
    for kind, number, what in sweep(make_searcher("random", {}, SPACE, mode="min", seed=1), trials):
        line: dict[str, Any] = {"kind": kind, "at": 1.0e9 + 0.1 * len(lines), "trial": trial_name(number)}
        if kind == "suggestion":
            line |= {"number": number, "config": what, "origin": "random", "seed": number}
        elif kind == "report":
            epoch, value = what  # type: ignore[misc]
            line |= {"epoch": epoch, "metrics": {"val_loss": encode_number(value)}, "seconds": 0.1, "attempt": 1}
        else:
            ending, value, _ = what  # type: ignore[misc]
            line |= {"ending": ending, "reason": "so", "value": value, "best_epoch": 1, "attempt": 1}
            if ending == "failed" and number % 2:
                line["failure"] = "out_of_memory"
        lines.append(line)
    return lines


def follow(path: Path, lines: list[Line], space: Space = SPACE) -> None:
    log = StudyLog(path, space)
    log.lines(lines)
    log.flush()


def opened(path: Path) -> optuna.Study:
    before = path.read_bytes()
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.load_study(study_name="toy-1", storage=storage)
    assert path.read_bytes() == before
    return study


def plain(trial: FrozenTrial) -> tuple[object, ...]:
    reports = {epoch: repr(value) for epoch, value in trial.intermediate_values.items()}
    return trial.number, trial.state, trial.values, trial.params, trial.user_attrs, reports


def test_optuna_opens_it_and_finds_every_trial_under_our_number(tmp_path: Path) -> None:
    lines = journal()
    follow(tmp_path / "study.log", lines)
    study = opened(tmp_path / "study.log")
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    records = {trial.number: trial for trial in Fold().apply(lines).record().trials}
    assert len(study.trials) == len(records) == 30
    states = set()
    for trial in study.trials:
        record = records[trial.number]
        assert trial.user_attrs["trial"] == record.trial
        assert trial.params["lr"] == record.config["lr"]
        assert ("optimizer.sgd.momentum" in trial.params) == (record.config["optimizer"] == "sgd")
        broken = bool(record.epochs) and math.isnan(record.epochs[-1].metrics["val_loss"])
        avoided = broken or record.failure == "out_of_memory"
        told = {
            "completed": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "doomed": TrialState.PRUNED,
            "failed": TrialState.PRUNED if avoided else TrialState.FAIL,
            "interrupted": TrialState.RUNNING,
        }
        assert record.ending is not None
        assert trial.state == told[record.ending]
        states.add((record.ending, trial.state))
        if trial.state == TrialState.COMPLETE:
            assert trial.value == record.value
        if avoided and trial.state == TrialState.PRUNED:
            assert trial.value is None
            assert math.isnan(list(trial.intermediate_values.values())[-1])
    assert len(states) == 6, "the journal should hold every ending, out of memory included"


def test_following_and_writing_it_whole_tell_the_same(tmp_path: Path) -> None:
    lines = journal()
    follow(tmp_path / "one.log", lines)
    write_study_log(Fold().apply(lines).record(), SPACE, tmp_path / "two.log")
    one, two = opened(tmp_path / "one.log"), opened(tmp_path / "two.log")
    assert [plain(trial) for trial in one.trials] == [plain(trial) for trial in two.trials]


def test_a_second_driver_writes_it_anew(tmp_path: Path) -> None:
    """After a kill the file may end anywhere; the journal's lines come again from the first."""
    lines = journal()
    follow(tmp_path / "study.log", lines[:200])
    with (tmp_path / "study.log").open("ab") as file:
        file.write(b'{"op_code":')
    follow(tmp_path / "study.log", lines)
    assert len(opened(tmp_path / "study.log").trials) == 30


def test_options_that_optuna_takes_for_one_are_shown_as_text(tmp_path: Path) -> None:
    space = Space((parameter("flag", Choice((1, True, "1"))), parameter("width", Choice((16, 32)))))
    lines = [HEAD]
    for number, option in enumerate((1, True, "1")):
        config = {"flag": option, "width": 32}
        lines.append(
            {
                "kind": "suggestion",
                "at": 1e9,
                "trial": trial_name(number),
                "number": number,
                "config": config,
                "origin": "grid",
            }
        )
    follow(tmp_path / "study.log", lines, space)
    assert [trial.params for trial in opened(tmp_path / "study.log").trials] == [
        {"flag": "1", "width": 32},
        {"flag": "True", "width": 32},
        {"flag": "'1'", "width": 32},
    ]


def test_what_waits_is_written_after_a_second_or_a_batch(tmp_path: Path) -> None:
    path, space = tmp_path / "study.log", Space((parameter("lr", Float(0.1, 1.0, False)),))
    log = StudyLog(path, space)
    suggestion = {"kind": "suggestion", "trial": "0000", "number": 0, "config": {"lr": 0.5}, "origin": "random"}
    log.lines([HEAD, {**suggestion, "at": 1e9}])
    report = {"kind": "report", "trial": "0000", "metrics": {"val_loss": 1.0}, "seconds": 0.0}
    log.lines([{**report, "at": 1e9 + 0.5, "epoch": 1}])
    assert len(path.read_bytes().splitlines()) == 2
    log.lines([{**report, "at": 1e9 + 1.5, "epoch": 2}])
    assert len(path.read_bytes().splitlines()) == 4
    log.lines([{**report, "at": 1e9 + 1.6, "epoch": epoch} for epoch in range(3, 3 + 256)])
    assert len(path.read_bytes().splitlines()) == 4 + 256


def test_a_trial_costs_well_under_two_milliseconds(tmp_path: Path) -> None:
    """CPU time: 0.05 ms each way."""
    lines = journal(200)
    began = time.process_time()
    follow(tmp_path / "study.log", lines)
    following = time.process_time() - began
    record = Fold().apply(lines).record()
    began = time.process_time()
    write_study_log(record, SPACE, tmp_path / "study.log")
    writing = time.process_time() - began
    assert following / 200 < 0.002
    assert writing / 200 < 0.002


def test_optunas_own_sampler_goes_on_from_it(tmp_path: Path) -> None:
    """A user may take the study over; a distribution that Optuna could not read would show here."""
    follow(tmp_path / "study.log", journal())
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for trial in opened(tmp_path / "study.log").trials:
            if trial.state.is_finished():
                study.add_trial(trial)
    assert 1e-5 <= study.ask().suggest_float("lr", 1e-5, 1.0, log=True) <= 1.0


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
