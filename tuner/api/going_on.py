"""What may be changed when a run goes on: how much is tried and with what; not what its trials were judged by.

A finished run goes on when there is more to do: `--resume RUN --trials 200`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.api.sweeps import load_resolved
from tuner.errors import Fault, InputError
from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.records.storage import is_uri
from tuner.records.trial import SweepRecord
from tuner.sweep import Sweep
from tuner.sweep.dump import by_path

TRIALS = "search.trials"
ENDS = (TRIALS, "stop")
"""What says when a sweep is over."""
MAY_CHANGE = (*ENDS, "search.concurrency", "resources", "retries", "checkpoints", "tracking", "data.dir")
STORAGE = "storage"
_ABSENT = object()


@dataclass(frozen=True)
class GoingOn:
    """A run that is asked to go on."""

    sweep: Sweep
    """As it is from now on."""
    record: SweepRecord
    changed: Mapping[str, Any]
    """Path -> value, of what was changed."""

    @property
    def over(self) -> bool:
        """It has finished, and nothing that was changed asks for more."""
        return self.record.status == "finished" and not any(below(path, ENDS) for path in self.changed)


def open_again(
    directory: RunDirectory, overrides: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> GoingOn:
    """Raises InputError for every change that the run cannot take any more."""
    record = directory.record()
    before, after = load_resolved(directory), load_resolved(directory, overrides, flags)
    changed = differences(before, after)
    names = flags or {}
    faults = [
        Fault(
            names.get(path) or path,
            value,
            "cannot change in a run that has begun, whose trials were chosen and judged by it: start a new sweep "
            f"from these with `search: {{warm_start: [{directory.name}]}}`",
        )
        for path, value in changed.items()
        if not below(path, (*MAY_CHANGE, STORAGE))
    ]
    trials = after.search.trials
    if TRIALS in changed and trials is not None and trials < len(record.trials):
        cure = f"the run has begun {len(record.trials)} trials already: write {len(record.trials)} or more"
        faults.append(Fault(names.get(TRIALS) or TRIALS, trials, cure))
    if STORAGE in changed and (is_uri(before.storage) or is_uri(after.storage)):
        cure = (
            f"the run and its trials' checkpoints are kept in {before.storage or 'its folder'}, where it goes on: "
            "leave it as it is"
        )
        faults.append(Fault(names.get(STORAGE) or STORAGE, after.storage, cure))
    if faults:
        raise InputError(f"going on with {directory.name}", tuple(faults))
    return GoingOn(after, record, changed)


def differences(before: Sweep, after: Sweep) -> dict[str, Any]:
    """Path -> new value, None where it was taken away."""
    old, new = by_path(before), by_path(after)
    paths = dict.fromkeys([*new, *old])
    return {path: new.get(path) for path in paths if old.get(path, _ABSENT) != new.get(path, _ABSENT)}


def trials_told(lines: list[Line]) -> int:
    """How many trials the journal says are asked for."""
    told = 0
    for line in lines:
        if line["kind"] == "sweep":
            told = line["trials"]
        elif line["kind"] == "change":
            told = line["settings"].get(TRIALS, told) or 0
    return told


def below(path: str, places: tuple[str, ...]) -> bool:
    """Whether it is one of the places, or lies under one."""
    return any(path == place or path.startswith(f"{place}.") for place in places)
