"""Where a warm start's trials come from: run directories, MLflow, Optuna's studies; and how their conditions differ."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tuner.tracking as tracking
from tuner.api.environment import git_state
from tuner.api.sweeps import load_resolved
from tuner.errors import InputError, RunError
from tuner.records.catalogue import ParameterSpec
from tuner.records.earlier import Earlier, EarlierTrial
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.seeds import OverSeeds, over_seeds
from tuner.records.trial import DOOMED, TrialRecord
from tuner.records.values import Scalar
from tuner.search.earlier import read_study
from tuner.sweep import Sweep, WarmStart
from tuner.training.catalogue import CATALOGUE
from tuner.training.plan import TrainingPlan

MLFLOW = "mlflow:"
_STUDY = re.compile(r"(?P<path>.*\.(?:db|sqlite|sqlite3|log))(?:#(?P<name>.+))?")
OVER_THE_HORIZON = ("cosine", "polynomial", "one_cycle")
"""Schedules whose learning rate at an epoch hangs on how many there are to be."""
DATA_DIFFER = "the data differ"
_DIGEST = 36
"""Characters of a data hash that MLflow keeps."""


@dataclass(frozen=True)
class Source:
    """An earlier search beside this one."""

    earlier: Earlier
    old: Sweep | None = None
    """As it was run; None where only its trials are known."""
    differs: tuple[str, ...] = ()
    """Why none of its values can be taken as they are."""


def read_source(source: WarmStart, sweep: Sweep, runs: Path) -> Source:
    """Raises InputError where there is no such source, or it cannot be read."""
    if source.run.startswith(MLFLOW):
        uri = sweep.tracking.uri if sweep.tracking.uri not in (None, "none") else tracking.default_uri(runs)
        earlier = tracking.read_earlier(str(uri), source.run.removeprefix(MLFLOW), sweep.metric.name)
        return Source(earlier, None, _foreign(earlier, sweep))
    study = _STUDY.fullmatch(source.run)
    if study is not None:
        earlier = read_study(Path(study["path"]), study["name"])
        return Source(earlier, None, _foreign(earlier, sweep))
    try:
        directory = find_run(source.run, runs)
    except InputError as error:
        raise InputError("search.warm_start", error.faults) from None
    return _run(directory, sweep)


def _run(directory: RunDirectory, sweep: Sweep) -> Source:
    record, old = directory.record(), load_resolved(directory)
    metric = sweep.metric.name
    seeds = {one.trial.trial: one for one in over_seeds(record) if one.whole} if record.seeds_each > 1 else {}
    trials = tuple(_trial(trial, old, metric, seeds.get(trial.trial)) for trial in record.trials)
    differs = []
    if (old.task, old.loop) == (sweep.task, sweep.loop) and _code_differs(directory):
        differs.append("the code differs")
    earlier = Earlier(directory.name, trials, old.metric.mode, record.max_epochs)
    return Source(earlier, old, tuple(differs))


def _trial(trial: TrialRecord, old: Sweep, metric: str, seeds: OverSeeds | None = None) -> EarlierTrial:
    """`seeds`: of a configuration that was trained on several; its value is their mean, and one diverged dooms it."""
    kept = tuple((epoch.epoch, epoch.metrics[metric]) for epoch in trial.epochs if metric in epoch.metrics)
    last = trial.epochs[-1].metrics if trial.epochs else {}
    broke = seeds is not None and seeds.diverged > 0
    return EarlierTrial(
        trial.trial,
        old.settings(trial.config),
        DOOMED if broke else trial.ending if trial.epochs else None,
        kept,
        value=None if seeds is None else seeds.mean,
        diverged=broke or (trial.ending == DOOMED and not all(map(math.isfinite, last.values()))),
        data_hash=trial.facts.data_hash if trial.facts is not None else None,
    )


def _foreign(earlier: Earlier, sweep: Sweep) -> tuple[str, ...]:
    """Of a record that does not hold how the sweep was run: what cannot be told to be the same."""
    differs = []
    here = _code_here()
    if earlier.commit is None:
        differs.append("nothing says what code it ran")
    elif here.get("commit") != earlier.commit or here.get("dirty"):
        differs.append("the code differs")
    if earlier.max_epochs is None:
        differs.append("nothing says how many epochs it was to have")
    if sweep.task is not None and not any(trial.data_hash for trial in earlier.trials):
        differs.append("nothing says what data it saw")
    return tuple(differs)


def horizon_differs(earlier: Earlier, trial: EarlierTrial, sweep: Sweep) -> bool:
    """Whether its learning rates came from another number of epochs; a loop of the user's own may do so unseen."""
    if earlier.max_epochs is None or earlier.max_epochs == sweep.search.max_epochs:
        return False
    return sweep.task is None or trial.settings.get("schedule", "constant") in OVER_THE_HORIZON


def data_differs(trial: EarlierTrial, hash_now: str | None) -> str:
    """In words; empty where it saw the same, or neither has data that could be compared."""
    if trial.data_hash is None:
        return ""
    if hash_now is None:
        return "the data could not be compared"
    size = min(len(trial.data_hash), len(hash_now))
    same = size >= min(_DIGEST, len(hash_now)) and trial.data_hash[:size] == hash_now[:size]
    return "" if same else DATA_DIFFER


def data_hash(sweep: Sweep) -> str | None:
    """Of the data that this sweep's trials will see; None where the driver cannot have them (a cluster's nodes can)."""
    if sweep.task is None:
        return None
    from tuner.training.data import load_splits  # torch

    try:
        return load_splits(TrainingPlan.from_sweep(sweep, RunDirectory(Path()))).data_hash
    except (InputError, RunError):
        return None


def unwritten(sweep: Sweep | None, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
    """What a trial of the catalogue's had although no file said so: the trainer's and its parts' own defaults."""
    if sweep is None or sweep.task is None:
        return {}
    found = {spec.name: _default(spec) for spec in CATALOGUE.trainer if not spec.required}
    model = CATALOGUE.family("model").get(str(settings.get("model", sweep.model or "")))
    for spec in model.parameters if model is not None else ():
        found |= {spec.name: _default(spec), f"model.{model.name if model else ''}.{spec.name}": _default(spec)}
    return {name: value for name, value in found.items() if value is not None}


def _default(spec: ParameterSpec) -> Scalar:
    return spec.default if isinstance(spec.default, bool | int | float | str) else None


def _code_differs(directory: RunDirectory) -> bool:
    """Whether Python files do. Outside a repository nobody knows, and nothing is said."""
    try:
        then = json.loads(directory.environment.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        then = {}
    old, new = then.get("git") or {}, _code_here()
    if not old or not new:
        return False
    if _python_part(str(old.get("diff"))) != _python_part(str(new.get("diff"))):
        return True
    return old["commit"] != new["commit"] and _python_changed(str(old["commit"]), str(new["commit"]))


def _python_part(diff: str) -> list[str]:
    """What a diff changes in Python files: a sweep file's own lines are compared elsewhere."""
    parts = re.split(r"(?m)^(?=diff --git )", diff)
    return [part for part in parts if part.partition("\n")[0].rstrip('"').endswith(".py")]


def _python_changed(one: str, other: str) -> bool:
    words = ["git", "diff", "--quiet", one, other, "--", "*.py"]
    try:
        return subprocess.run(words, capture_output=True, timeout=20, check=False).returncode != 0
    except (OSError, subprocess.TimeoutExpired):
        return True


@cache
def _code_here() -> Mapping[str, Any]:
    return git_state(Path.cwd()) or {}
