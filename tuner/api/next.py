"""The next sweep: a run's findings applied to its own sweep file, each change with its reason as a comment.

Every change is tried on its own: one that would make the file invalid is dropped and said. The file that comes out has
been read back. It starts warm from the run's trials (`api/warm.py` says which fit).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuner.api.next_comments import comments_of
from tuner.api.sweeps import load_resolved
from tuner.api.warm import gather
from tuner.diagnosis import diagnose_sweep
from tuner.diagnosis.next_space import GRACE, HIGH, MAX_EPOCHS, Change, plan
from tuner.errors import Fault, InputError
from tuner.records.finding import Finding
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.trial import SweepRecord
from tuner.records.values import Scalar, to_scalar
from tuner.space import Choice, Constant, Float, Int, Parameter, Space, same
from tuner.sweep import Sweep, WarmStart, dump_sweep, parse_sweep
from tuner.training.catalogue import CATALOGUE

IDLE = "parameter_idle"
UNLEARNED = ("random", "halton")
"""Searchers that would draw the same again from the same seed, whatever they are told."""
TOO_FEW = 10
"""Trials that fit, below which a searcher still draws as its seed says."""
_COUNTED = re.compile(r"^(.*)-(\d+)$")


@dataclass(frozen=True)
class NextSweep:
    """A sweep file that is ready to run, and what was done to make it."""

    run: str
    sweep: Sweep
    text: str
    changes: tuple[Change, ...]
    dropped: tuple[tuple[Change, str], ...]
    """Changes that would have made the file invalid, with what would have been wrong."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """How many of the old trials fit, and why the others do not."""

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "changes": [_change_json(change) for change in self.changes],
            "dropped": [_change_json(change) | {"why": why} for change, why in self.dropped],
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
            "text": self.text,
        }


def next_sweep(run: str | Path, runs: Path) -> NextSweep:
    """Raises InputError where there is no such run, or it has no trial to learn from."""
    directory = find_run(run, runs)
    record, sweep = directory.record(), load_resolved(directory)
    if record.best is None:
        cure = "no trial of it has reported a finite metric: there is nothing to learn from yet"
        raise InputError("tuner next", (Fault("RUN", directory.name, cure),))
    findings = diagnose_sweep(record)
    made = replace(sweep, name=_next_name(sweep.name), space=_without_defaults(sweep.space))
    made = replace(made, search=replace(made.search, enqueue=()))
    done: list[Change] = []
    dropped: list[tuple[Change, str]] = []
    for change in plan(findings):
        try:
            made = _read_back(_apply(made, change))
        except InputError as error:
            dropped.append((change, "; ".join(str(fault) for fault in error.faults) or str(error)))
        else:
            done.append(change)
    made, notes, extra = _warmed(made, done, record, directory, runs)
    comments = comments_of(done, dropped, record)
    for path, said in extra.items():
        comments.setdefault(path, []).append(said)
    text = dump_sweep(made, comments)
    return NextSweep(directory.name, _read_back(made, text), text, tuple(done), tuple(dropped), findings, notes)


def _read_back(sweep: Sweep, text: str | None = None) -> Sweep:
    """The sweep as its own file reads. Raises SweepFileError with what is wrong with it."""
    return parse_sweep(dump_sweep(sweep) if text is None else text, path="the next sweep", catalogue=CATALOGUE)


# --- the changes -------------------------------------------------------------------------------------------------


def _apply(sweep: Sweep, change: Change) -> Sweep:
    """The sweep with the change. Raises InputError where it has no such place."""
    if change.path == MAX_EPOCHS:
        return replace(sweep, search=replace(sweep.search, max_epochs=_whole(change)))
    if change.path == GRACE:
        options = dict(sweep.search.scheduler_options)
        if "grace" not in options:
            raise InputError("", (Fault(change.path, change.new, f"{sweep.search.scheduler} has no grace"),))
        options["grace"] = min(_whole(change), sweep.search.max_epochs)
        return replace(sweep, search=replace(sweep.search, scheduler_options=options))
    name = change.parameter
    if name is None or name not in sweep.space.names:
        raise InputError("", (Fault(change.path, change.new, "is not in the space"),))
    space = _fixed(sweep.space, name, change.new) if change.fixes else _moved(sweep.space, name, change)
    return replace(sweep, space=space)


def _whole(change: Change) -> int:
    assert isinstance(change.new, int)
    return change.new


def _moved(space: Space, name: str, change: Change) -> Space:
    """One bound of a number moved."""
    item, value = space[name], change.new
    assert isinstance(value, int | float)
    side = "high" if change.path.endswith(HIGH) else "low"
    match item.domain:
        case Float(low, high, log):
            bounds = {"low": float(low), "high": float(high), side: float(value)}
            domain: Float | Int = Float(bounds["low"], bounds["high"], log)
        case Int(low, high, log):
            whole = {"low": low, "high": high, side: round(value)}
            domain = Int(whole["low"], whole["high"], log)
        case Choice(options) if all(isinstance(o, int | float) and not isinstance(o, bool) for o in options):
            kept = tuple(
                o for o in options if isinstance(o, int | float) and (o <= value if side == "high" else o >= value)
            )
            if not kept:
                raise InputError("", (Fault(change.path, value, f"leaves none of {item.domain}"),))
            return _kept(space, item, kept)
        case _:
            raise InputError("", (Fault(change.path, value, "has no bounds"),))
    return _with(space, replace(item, domain=domain))


def _kept(space: Space, item: Parameter, options: tuple[Scalar, ...]) -> Space:
    """A choice with fewer options; a constant where one is left that has no branch."""
    if len(options) == 1:
        return _fixed(space, item.name, options[0])
    return Space(tuple(_reachable(_with(space, replace(item, domain=Choice(options))))))


def _fixed(space: Space, name: str, value: Scalar) -> Space:
    """The parameter at one value: a constant, or the one branch that is left of a choice with branches."""
    item = space[name]
    if not item.domain.contains(value):
        raise InputError("", (Fault(f"space.{name}", value, f"write {item.domain}"),))
    if not space.children(name, value):
        kept = _with(space, replace(item, domain=Constant(to_scalar(value)), default=None, has_default=False))
    else:
        kept = _with(space, replace(item, domain=Choice((value,)), default=None, has_default=False))
    return Space(tuple(_reachable(kept)))


def _reachable(space: Space) -> list[Parameter]:
    """Without the branches that no configuration can take any more."""
    found: list[Parameter] = []
    for item in space.parameters:
        parent = next((other for other in found if other.name == item.parent), None)
        if item.parent is None or (parent is not None and parent.domain.contains(item.parent_value)):
            found.append(item)
    return found


def _with(space: Space, new: Parameter) -> Space:
    return Space(tuple(new if item.name == new.name else item for item in space.parameters))


def _without_defaults(space: Space) -> Space:
    """The configuration of all defaults was tried; as first trial of the next sweep it would be wasted."""
    return Space(tuple(replace(item, default=None, has_default=False) for item in space.parameters))


def _next_name(name: str) -> str:
    """`digits` → `digits-2` → `digits-3`."""
    counted = _COUNTED.match(name)
    return f"{counted[1]}-{int(counted[2]) + 1}" if counted else f"{name}-2"


# --- the old trials ----------------------------------------------------------------------------------------------


def _warmed(
    sweep: Sweep, done: list[Change], record: SweepRecord, directory: RunDirectory, runs: Path
) -> tuple[Sweep, tuple[str, ...], dict[str, str]]:
    """The sweep with its warm start, notes on what fits, and comments by place."""
    idle = tuple(change.parameter for change in done if change.symptom == IDLE and change.parameter)
    earlier = [replace(one, ignore=tuple(dict.fromkeys((*one.ignore, *idle)))) for one in sweep.search.warm_start]
    below = os.path.abspath(runs) == str(directory.path.parent)  # noqa: PTH100
    mine = WarmStart(directory.name if below else str(directory.path), idle)
    warm = replace(sweep, search=replace(sweep.search, warm_start=(*earlier, mine)))
    told = gather(warm, runs)
    extra: dict[str, str] = {}
    if len(told.lines) < TOO_FEW or sweep.search.algorithm in UNLEARNED:
        data = sweep.data.model_copy(update={"seed": sweep.split_seed}) if sweep.task is not None else sweep.data
        warm = replace(warm, seed=(sweep.seed + 1) % 2**32, data=data)
        extra["seed"] = f"was {sweep.seed}, from which the searcher would draw the same trials again"
    best = record.best
    if any(change.path == MAX_EPOCHS for change in done) and best is not None:
        config: Mapping[str, Scalar] | None = _fitting(best.config, warm)
        if config is not None:
            warm = replace(warm, search=replace(warm.search, enqueue=(config,)))
            extra["search.enqueue"] = f"the best trial, {best.trial}, once more with all epochs"
    extra["search.warm_start"] = "; ".join(told.notes)
    return warm, told.notes, extra


def _fitting(config: Mapping[str, Scalar], sweep: Sweep) -> dict[str, Scalar] | None:
    found: dict[str, Scalar] = {}
    for item in sweep.space.parameters:
        if item.parent is not None and not (item.parent in found and same(found[item.parent], item.parent_value)):
            continue
        if isinstance(item.domain, Constant):
            found[item.name] = item.domain.value
        elif item.name in config:
            found[item.name] = config[item.name]
    return found if sweep.space.contains(found) else None


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "from": change.old,
        "to": change.new,
        "because": change.because,
        "symptom": change.symptom,
    }
