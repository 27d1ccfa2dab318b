"""Warm start: the trials of earlier runs that lie in this sweep's space, as journal lines for its searcher.

A trial fits when the settings it ran with, fixed ones included, are settings that this sweep could give a trial, the
data was divided as here (on other validation examples other trials are the best), and it reported this sweep's metric.
Its reports count up to this sweep's last epoch. One that a shorter sweep completed is told as pruned at its last epoch,
so that values after fewer epochs are not taken for those after all of them. What is told stands in the new journal, so
a resume needs the earlier runs no longer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.api.sweeps import load_resolved
from tuner.errors import InputError
from tuner.records.run_directory import find_run
from tuner.records.trial import COMPLETED, DOOMED, PRUNED, SweepRecord, TrialRecord
from tuner.records.values import Scalar, encode_number
from tuner.space import Constant, canonical
from tuner.sweep import Sweep

FIRST = 1 << 30
"""The number of the first of them for the searcher: far from any that a trial of the sweep itself will have."""


@dataclass(frozen=True)
class Warm:
    """What is told, and what is said of it."""

    lines: tuple[dict[str, Any], ...]
    """Of kind `warm`, in the order of the runs and of their trials; without the time."""
    notes: tuple[str, ...]
    """One a run: how many fit, and why the others do not."""


def gather(sweep: Sweep, runs: Path) -> Warm:
    """Raises InputError where there is no such run, or its sweep file cannot be read."""
    lines: list[dict[str, Any]] = []
    notes = []
    for source in sweep.search.warm_start:
        try:
            directory = find_run(source.run, runs)
        except InputError as error:
            raise InputError("search.warm_start", error.faults) from None
        record, old = directory.record(), load_resolved(directory)
        left: Counter[str] = Counter()
        fit = 0
        for trial in record.trials:
            told = _told(trial, record, old, sweep, frozenset(source.ignore))
            if isinstance(told, str):
                left[told] += 1
            else:
                lines.append({"kind": "warm", "number": FIRST + len(lines), "run": directory.name, **told})
                fit += 1
        why = "; left out: " + ", ".join(f"{count} {reason}" for reason, count in left.items()) if left else ""
        notes.append(f"warm start from {directory.name}: {fit} of {len(record.trials)} trials fit{why}")
    return Warm(tuple(lines), tuple(notes))


def _told(
    trial: TrialRecord, record: SweepRecord, old: Sweep, sweep: Sweep, ignore: frozenset[str]
) -> dict[str, Any] | str:
    """The line's keys, or why the trial is left out."""
    if trial.ending not in (COMPLETED, PRUNED, DOOMED) or not trial.epochs:
        return "without an ending that says anything"
    if (old.task, old.loop, old.data.limit) != (sweep.task, sweep.loop, sweep.data.limit):
        return "of another task"
    if sweep.task is not None and old.split_seed != sweep.split_seed:
        return "of another division of the data"
    config = _config(old.settings(trial.config), sweep, ignore)
    if config is None or not sweep.space.contains(config):
        return "outside the space"
    if not _same(sweep.settings(config), old.settings(trial.config), ignore):
        return "with other fixed values"
    metric, limit, last = sweep.metric.name, sweep.search.max_epochs, trial.epochs[-1]
    kept = [(e.epoch, e.metrics[metric]) for e in trial.epochs if e.epoch <= limit and metric in e.metrics]
    finite = [value for _, value in kept if math.isfinite(value)]
    diverged = trial.ending == DOOMED and last.epoch <= limit and not all(map(math.isfinite, last.metrics.values()))
    if not finite and not diverged:
        return f"without a finite {metric}"
    ending = trial.ending
    if not diverged and last.epoch >= limit:
        ending = COMPLETED
    elif ending == COMPLETED and last.epoch >= record.max_epochs:
        ending = PRUNED
    best = (min if sweep.metric.mode == "min" else max)(finite, default=None)
    return {
        "source": trial.trial,
        "config": config,
        "reports": [[epoch, encode_number(value)] for epoch, value in kept],
        "ending": ending,
        "value": None if best is None else encode_number(best),
        "diverged": diverged,
    }


def _config(settings: Mapping[str, Any], sweep: Sweep, ignore: frozenset[str]) -> dict[str, Scalar] | None:
    """The old settings as a configuration of this sweep's space; None where one is missing."""
    config: dict[str, Scalar] = {}
    for item in sweep.space.parameters:
        if item.parent is not None and not (
            item.parent in config and item in sweep.space.children(item.parent, config[item.parent])
        ):
            continue
        if item.name in ignore and isinstance(item.domain, Constant):
            config[item.name] = item.domain.value
        elif item.name in settings and not isinstance(settings[item.name], list | tuple):
            config[item.name] = canonical(item.domain, settings[item.name])
        else:
            return None
    return config


def _same(new: Mapping[str, Any], old: Mapping[str, Any], ignore: frozenset[str]) -> bool:
    return {k: v for k, v in new.items() if k not in ignore} == {k: v for k, v in old.items() if k not in ignore}
