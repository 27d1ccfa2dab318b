"""The control configuration: frozen when a series of nights begins, moved only by who accepts a night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tuner.api.warm_sources import unwritten
from tuner.errors import Fault, InputError
from tuner.nightly.folder import Reference
from tuner.records.night import INCOMPLETE, NightRecord
from tuner.records.trial import SweepRecord
from tuner.records.values import Config
from tuner.sweep import Sweep

FROM_FILE, FROM_DEFAULTS = "nightly.control", "the defaults"


def first_reference(sweep: Sweep) -> Reference | None:
    """Of a series that begins: the file's control, else the defaults; None: the first night's best will be it."""
    if sweep.nightly.control is not None:
        return Reference(frozen(sweep, sweep.nightly.control), FROM_FILE)
    defaults = sweep.space.defaults()
    return None if defaults is None else Reference(frozen(sweep, defaults), FROM_DEFAULTS)


def best_as_reference(sweep: Sweep, record: SweepRecord, night: str) -> Reference | None:
    """The first night's best, where nothing else says what the control is."""
    best = record.best
    return None if best is None else Reference(frozen(sweep, best.config), f"the best of {night}")


def frozen(sweep: Sweep, config: Config) -> dict[str, Any]:
    """Whole settings: what the file fixes stays as it is today, whatever becomes of the file."""
    model = {} if sweep.model is None or "model" in config else {"model": sweep.model}
    return {**model, **sweep.fixed, **config}


def settings_tonight(sweep: Sweep, control: Mapping[str, Any]) -> dict[str, Any]:
    """The control over what the file fixes tonight: what it fixes besides is undone, as far as its default is known."""
    new = [name for name in sweep.fixed if name not in control]
    known = unwritten(sweep, control) if new else {}
    return {**{name: known[name] for name in new if name in known}, **control}


def notes_on(sweep: Sweep, reference: Reference) -> tuple[str, ...]:
    """What a person should know of the control."""
    notes = []
    left = [name for name in sweep.fixed if name not in settings_tonight(sweep, reference.control)]
    if left:
        notes.append(f"the file fixes {', '.join(left)} since, and the control trials have that too")
    wanted = sweep.nightly.control
    if wanted is not None and frozen(sweep, wanted) != dict(reference.control):
        notes.append("nightly.control is not what the control trials train: `--accept NIGHT` takes it over")
    return tuple(notes)


def accepted(
    sweep: Sweep, reference: Reference | None, night: NightRecord, *, keep_control: bool, now: float
) -> Reference:
    """NIGHT is the reference from now on. The control moves to the file's where the file names one, else to that
    night's best; `keep_control` leaves it. Raises InputError where the night has nothing to go by."""
    if night.verdict == INCOMPLETE:
        cure = f"that night is INCOMPLETE ({night.judgement.why}): accept a whole one"
        raise InputError("a night that cannot be the reference", (Fault("--accept", night.id, cure),))
    before = () if reference is None else (*reference.before, {**_short(reference), "until": now})
    same = Reference(dict(night.control), "the same control", night.id, now, before)
    if keep_control:
        if not night.controls:
            cure = "that night trained no control: leave --keep-control out"
            raise InputError("a night that cannot be the reference", (Fault("--accept", night.id, cure),))
        return same
    if sweep.nightly.control is not None:
        moved, source = frozen(sweep, sweep.nightly.control), FROM_FILE
    elif night.best is not None:
        moved, source = frozen(sweep, night.best.config), f"the best of {night.id}"
    else:
        return same
    if moved == dict(night.control):
        return replace(same, source=source)
    return Reference(moved, source, None, now, before)


def _short(reference: Reference) -> dict[str, Any]:
    told = asdict(reference)
    return {name: told[name] for name in ("night", "source", "control")}
