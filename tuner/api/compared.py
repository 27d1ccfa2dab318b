"""What `tuner compare` is given, read: a run's directory, a night of one, or what MLflow keeps of a sweep."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tuner.tracking as tracking
from tuner.api.differing import code_exactly, digits
from tuner.api.environment import mask_addresses
from tuner.api.sweeps import load_sweep
from tuner.diagnosis.between import best_value
from tuner.errors import Fault, InputError, RunError
from tuner.records.comparison import Side
from tuner.records.journal import read_journal
from tuner.records.night import NightRecord
from tuner.records.reached import over_seconds, over_seconds_by_trial, over_trials
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.storage import is_uri
from tuner.records.tracked import TrackedSweep
from tuner.records.trial import ParameterRecord, SweepRecord
from tuner.sweep import Sweep
from tuner.sweep.dump import by_path

MLFLOW = "mlflow:"
MACHINE = ("host", "platform", "cpus")


@dataclass(frozen=True, slots=True)
class Where:
    """Where things are looked for."""

    runs: Path
    uri: str
    """Of the MLflow store."""
    metric: str | None = None
    """Of MLflow runs that do not say by what they are judged."""
    mode: str | None = None


def read_side(label: str, word: str, where: Where) -> Side:
    """Raises InputError where there is no such run, or it has not begun; RunError where it cannot be read."""
    if word.startswith(MLFLOW):
        name = word.removeprefix(MLFLOW)
        return _tracked(label, word, tracking.read_sweep(where.uri, name, where.metric, where.mode))
    night = find_night(word, where.runs)
    if night is None:
        return _run(label, find_run(word, where.runs), "run")
    try:
        directory = find_run(night.path, where.runs)
    except InputError:
        cure = f"the run of this night, {night.path}, is no longer there"
        raise InputError("no run to compare", (Fault("RUN", word, cure),)) from None
    return _run(label, directory, "night")


def find_night(word: str, runs: Path) -> NightRecord | None:
    """A night by its id (`2026-11-21-7f3a9c21`), alone or in its folder of nights; None where it names none.

    Raises InputError for an id that nights of several sweeps have.
    """
    if is_uri(word):
        return None
    given = Path(word)
    name = given.name.removesuffix(".json")
    folders = [folder for folder in (given.parent, runs / given.parent) if folder.name.endswith("-nights")]
    if not folders and given.parent == Path():
        folders = sorted(runs.glob("*-nights"))
    files = {path.resolve() for folder in folders for path in (folder / f"{name}.json",) if path.is_file()}
    if len(files) > 1:
        there = ", ".join(f"{path.parent.name}/{name}" for path in sorted(files))
        raise InputError("no one night of that name", (Fault("RUN", word, f"write one of {there}"),))
    for path in files:
        try:
            return NightRecord.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path}: cannot be read as a night's record: {type(error).__name__}: {error}") from None
    return None


def _run(label: str, directory: RunDirectory, source: str) -> Side:
    lines = read_journal(directory.journal)
    if not lines:
        raise InputError("no run to compare", (Fault("RUN", directory.name, "it has not begun: its journal is empty"),))
    record = directory.record()
    sweep, note = _sweep(directory.sweep)
    noted = _environment(directory)
    return Side(
        label,
        directory.name,
        source,
        record,
        best_value(record),
        settings=None if sweep is None else _settings(sweep),
        space=_space(record.parameters, sweep),
        code=code_exactly(noted.get("git")),
        data=digits(_data_hash(record)),
        packages={**({"python": noted["python"]} if "python" in noted else {}), **noted.get("packages", {})},
        machine={name: str(noted[name]) for name in MACHINE if name in noted},
        over_trials=over_trials(record),
        over_seconds=over_seconds(record, lines),
        training_seconds=_seconds(record),
        gpu_hours=None if sweep is None else _gpu_hours(record, sweep),
        notes=(*note, *_ended(record)),
    )


def _tracked(label: str, word: str, tracked: TrackedSweep) -> Side:
    record = tracked.record
    sweep: Sweep | None = None
    note: tuple[str, ...] = ("MLflow keeps no sweep file of it: its settings are not compared",)
    if tracked.sweep_file is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sweep.yaml"
            path.write_text(tracked.sweep_file, encoding="utf-8")
            sweep, note = _sweep(path)
    if tracked.sweeps > 1:
        note = (f"{tracked.sweeps} sweeps of this experiment are taken together: name a run for one alone", *note)
    code = None if tracked.commit is None else {"commit": tracked.commit, "dirty": tracked.dirty}
    parameters = () if sweep is None else tuple(item.record() for item in sweep.space.parameters)
    return Side(
        label,
        word,
        "mlflow",
        record,
        best_value(record),
        settings=None if sweep is None else _settings(sweep),
        space=_space(parameters, sweep),
        code=code_exactly(code),
        data=digits(tracked.data_hash),
        packages=dict(tracked.packages),
        over_trials=over_trials(record),
        over_seconds=over_seconds_by_trial(record),
        training_seconds=_seconds(record),
        gpu_hours=None if sweep is None else _gpu_hours(record, sweep),
        notes=(*note, *_ended(record)),
    )


def _sweep(path: Path) -> tuple[Sweep | None, tuple[str, ...]]:
    """As it was resolved; a file that cannot be read any more (a module is gone) keeps nothing else from being said."""
    try:
        return load_sweep(path, environ={}), ()
    except InputError as error:
        first = str(error.faults[0]) if error.faults else error.what
        return None, (f"its sweep file cannot be read, and its settings are not compared: {first}",)


def _settings(sweep: Sweep) -> dict[str, Any]:
    """Path -> value, the space apart; addresses without their passwords."""
    told: dict[str, Any] = json.loads(json.dumps(by_path(sweep)))
    kept = {path: value for path, value in told.items() if path != "space" and not path.startswith("space.")}
    return {path: _without_secrets(value) for path, value in kept.items()}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return mask_addresses(tracking.masked(value)) if "://" in value else value
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    return value


def _space(parameters: tuple[ParameterRecord, ...], sweep: Sweep | None) -> dict[str, str]:
    given = {} if sweep is None else {one.name: one.default for one in sweep.space.parameters if one.has_default}
    return {
        f"space.{one.name}": bounds(one) + (f", default {json.dumps(given[one.name])}" if one.name in given else "")
        for one in parameters
    }


def bounds(parameter: ParameterRecord) -> str:
    """`1e-05 to 1 (log)`, `32, 64 or 128`; a whole range says so: `1 to 8 (whole)`."""
    if parameter.kind in ("choice", "constant"):
        options = [one if isinstance(one, str) else json.dumps(one) for one in parameter.options]
        return " or ".join(part for part in (", ".join(options[:-1]), options[-1]) if part) if options else ""
    low, high = (_end(end) for end in (parameter.low, parameter.high))
    marks = [mark for mark, there in (("whole", parameter.kind == "int"), ("log", parameter.log)) if there]
    return f"{low} to {high}" + (f" ({', '.join(marks)})" if marks else "")


def _end(bound: float | None) -> str:
    """`1`, `1e-05`; with all its digits where fewer would be another number."""
    short = f"{bound:.12g}" if bound is not None else ""
    return short if bound is not None and float(short) == bound else repr(bound)


def _environment(directory: RunDirectory) -> dict[str, Any]:
    """Empty for a run that came without it."""
    try:
        found = json.loads(directory.environment.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise RunError(f"{directory.environment}: is not JSON: it was damaged by something else") from None
    return dict(found)


def _data_hash(record: SweepRecord) -> str | None:
    return next((t.facts.data_hash for t in record.everything if t.facts is not None and t.facts.data_hash), None)


def _seconds(record: SweepRecord) -> float:
    return sum(trial.seconds for trial in record.everything)


def _gpu_hours(record: SweepRecord, sweep: Sweep) -> float:
    return _seconds(record) * sweep.resources.gpu * sweep.resources.workers / 3600


def _ended(record: SweepRecord) -> tuple[str, ...]:
    """What a sweep that is not whole could still come to is not known."""
    if record.status == "finished":
        return ()
    why = f" ({record.reason})" if record.reason else ""
    of = f" of {record.total_trials}" if record.total_trials else ""
    begun = f"{len(record.trials)}{of} trials"
    return (f"it has not ended: {begun} so far" if record.status == "running" else f"{record.status}{why}: {begun}",)
