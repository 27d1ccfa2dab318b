"""Warm start: the trials of earlier searches as journal lines for this one's searcher, and what is said of them.

Each is translated into this sweep's space (`space/translate.py`). What does not fit is left out, counted and named.
Where data, code, the horizon of the schedule and fixed values are the same, the searcher is told the trial with its
curve. Where they differ its value means another thing here, and is told to nobody. Of these, and of trials that lacked
a parameter that is new here, the best few configurations are trained again before the searcher is asked: what counts
is what they reach today, and the scheduler has something to prune others by. So an old search that misleads costs a
few trials, which would have been random ones, and no old value is ever this sweep's best.

Reports count up to this sweep's last epoch. A trial that a shorter sweep completed is told as pruned at its last epoch.
What is told stands in the new journal, so a resume needs the earlier searches no longer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.api.warm_sources import DATA_DIFFER, Source, data_differs, data_hash, horizon_differs, read_source, unwritten
from tuner.records.earlier import EarlierTrial
from tuner.records.trial import COMPLETED, DOOMED, PRUNED
from tuner.records.values import Scalar, encode_number
from tuner.space import Misfit, Translated, identity, rename, translate
from tuner.sweep import Sweep, WarmStart

FIRST = 1 << 30
"""The number of the first of them for the searcher: far from any that a trial of the sweep itself will have."""
AGAIN = 5
"""Configurations that are trained again at most, of all sources: half of what TPE draws at random first."""


@dataclass(frozen=True)
class Warm:
    """What is told, and what is said of it."""

    heads: tuple[dict[str, Any], ...]
    """Of kind `warm_from`, one a source; without the time, as all of them."""
    lines: tuple[dict[str, Any], ...]
    """Of kind `warm`, in the order of the sources and of their trials."""
    notes: tuple[str, ...]
    """One a source: how many fit, why the others do not, which are discounted."""

    @property
    def journal(self) -> tuple[dict[str, Any], ...]:
        return (*self.heads, *self.lines)


@dataclass(frozen=True)
class _Fitting:
    trial: EarlierTrial
    translated: Translated
    keys: Mapping[str, Any]
    """Of the line."""
    differs: tuple[str, ...]
    new: bool
    """It lacks a parameter that is searched here, or that one stood at one value there."""


@dataclass(frozen=True)
class _Given:
    """What an old trial had."""

    settings: Mapping[str, Any]
    default: Mapping[str, Scalar]
    """What it had although nobody wrote it down."""
    ignored: tuple[str, ...]

    def has_both(self, name: str, new: Mapping[str, Any]) -> bool:
        return name in self.settings and name in new


def gather(sweep: Sweep, runs: Path) -> Warm:
    """Raises InputError where there is no such source, or it cannot be read."""
    found = Warm((), (), ())
    known = _LazyHash(sweep)
    for wanted in sweep.search.warm_start:
        found = add_source(found, read_source(wanted, sweep, runs), wanted, sweep, known)
    return found


def add_source(
    found: Warm, source: Source, wanted: WarmStart, sweep: Sweep, data_now: Callable[[], str | None]
) -> Warm:
    """`found` and what becomes of one more source. `data_now`: the hash of this sweep's data."""
    fitting, left = _fit(source, wanted, sweep, data_now)
    again = _best(fitting, source, sweep, AGAIN - sum("again" in line for line in found.lines))
    head = _head(source, fitting, left, again)
    lines = list(found.lines)
    for one in fitting:
        if not one.differs or one in again:
            line = {"kind": "warm", "number": FIRST + len(lines), "run": source.earlier.name, **one.keys}
            told = {"told": False} if one.differs else {}
            lines.append(line | ({"again": True} | told if one in again else {}))
    return Warm((*found.heads, head), tuple(lines), (*found.notes, head["says"]))


class _LazyHash:
    """The hash of this sweep's data, had when it is first asked for: torch takes seconds."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._known = sweep, False
        self._hash: str | None = None

    def __call__(self) -> str | None:
        if not self._known:
            self._hash, self._known = data_hash(self._sweep), True
        return self._hash


def _fit(
    source: Source, wanted: WarmStart, sweep: Sweep, known: Callable[[], str | None]
) -> tuple[list[_Fitting], Counter[str]]:
    left: Counter[str] = Counter()
    fitting: list[_Fitting] = []
    for place, trial in enumerate(source.earlier.trials):
        found = _one(trial, place, source, wanted, sweep, known)
        if isinstance(found, str):
            left[found] += 1
        else:
            fitting.append(found)
    return fitting, left


def _one(
    trial: EarlierTrial, place: int, source: Source, wanted: WarmStart, sweep: Sweep, known: Callable[[], str | None]
) -> _Fitting | str:
    """The trial as this sweep's, or why it is left out."""
    old = source.old
    if trial.ending not in (COMPLETED, PRUNED, DOOMED):
        return "without an ending that says anything"
    if old is not None and (old.task, old.loop) != (sweep.task, sweep.loop):
        return "of another task"
    settings = rename(trial.settings, dict(wanted.rename))
    default = unwritten(old or sweep, settings)
    translated = translate(sweep.space, settings, lambda name: (default[name],) if name in default else None, place)
    if isinstance(translated, Misfit):
        return f"with {translated.why}"
    keys = _told(trial, source, sweep)
    if keys is None:
        return f"without a finite {sweep.metric.name}"
    given = _Given(settings, default, wanted.ignore)
    differs = () if wanted.trust else tuple(dict.fromkeys(_differs(trial, translated, given, source, sweep, known)))
    searched = {item.name for item in old.space.parameters if item.is_searched} if old is not None else set(settings)
    here = {name for name in translated.config if sweep.space[name].is_searched}
    new = bool(translated.added) or not here <= {dict(wanted.rename).get(name, name) for name in searched}
    exact = not (differs or new or wanted.ignore) and old is not None and old.seed == sweep.seed
    same_length = source.earlier.max_epochs == sweep.search.max_epochs
    keys = {"source": trial.source, "config": dict(translated.config), **keys, "exact": exact and same_length}
    return _Fitting(trial, translated, keys, differs, new)


def _told(trial: EarlierTrial, source: Source, sweep: Sweep) -> dict[str, Any] | None:
    limit, horizon = sweep.search.max_epochs, source.earlier.max_epochs
    kept = [(epoch, value) for epoch, value in trial.reports if epoch <= limit]
    last = max((epoch for epoch, _ in trial.reports), default=0)
    diverged = trial.diverged and last <= limit
    finite = [value for _, value in kept if math.isfinite(value)]
    if trial.value is not None and math.isfinite(trial.value):
        finite = [trial.value]
    if not finite and not diverged:
        return None
    ending = str(trial.ending)
    if not diverged and last >= limit:
        ending = COMPLETED
    elif ending == COMPLETED and horizon is not None and last >= horizon:
        ending = PRUNED
    best = (min if sweep.metric.mode == "min" else max)(finite, default=None)
    return {
        "reports": [[epoch, encode_number(value)] for epoch, value in kept],
        "ending": ending,
        "value": None if best is None else encode_number(best),
        "diverged": diverged,
    }


def _differs(
    trial: EarlierTrial,
    translated: Translated,
    given: _Given,
    source: Source,
    sweep: Sweep,
    known: Callable[[], str | None],
) -> Iterable[str]:
    """Why its value would be another one here."""
    yield from source.differs
    if horizon_differs(source.earlier, trial, sweep):
        yield f"its schedule was over {source.earlier.max_epochs} epochs"
    if sweep.task is not None and trial.data_hash is not None and (said := data_differs(trial, known())):
        yield said
    elif source.old is not None and sweep.task is not None:
        old = source.old
        if (old.split_seed, old.data.limit) != (sweep.split_seed, sweep.data.limit):
            yield DATA_DIFFER
    new = sweep.settings(translated.config)
    for name in dict.fromkeys([*new, *given.settings]):
        if name in given.ignored or name in translated.added or (source.old is None and not given.has_both(name, new)):
            continue
        nothing = given.default.get(name)
        if given.settings.get(name, nothing) != new.get(name, nothing):
            yield f"{name} was another" if name in new else f"{name} was searched or fixed there"


def _best(fitting: Sequence[_Fitting], source: Source, sweep: Sweep, room: int) -> list[_Fitting]:
    """The best few of those that are to be seen here, by their own values, at most half; each configuration once."""
    if sweep.search.algorithm == "grid":
        return []
    sign = 1.0 if (source.earlier.mode or sweep.metric.mode) == "min" else -1.0
    uncertain = [one for one in fitting if one.differs or one.new]
    able = [one for one in uncertain if not one.keys["diverged"] and one.keys["value"] is not None]
    able.sort(key=lambda one: sign * float(one.keys["value"]))
    distinct: dict[Hashable, _Fitting] = {}
    for one in able:
        distinct.setdefault(identity(one.translated.config), one)
    return list(distinct.values())[: min(room, (len(able) + 1) // 2)]


def _head(source: Source, fitting: Sequence[_Fitting], left: Counter[str], again: Sequence[_Fitting]) -> dict[str, Any]:
    name, total = source.earlier.name, len(source.earlier.trials)
    discounted = Counter(why for one in fitting for why in one.differs)
    counted = sum(bool(one.differs) for one in fitting)
    added = {name: how for one in fitting for name, how in one.translated.added.items()}
    rows = [f"warm start from {name}: {len(fitting)} of {total} trials fit"]
    if left:
        rows.append("left out: " + ", ".join(f"{count} {why}" for why, count in left.most_common()))
    if added:
        rows.append("new here: " + ", ".join(f"{item} ({how})" for item, how in added.items()))
    if counted:
        why = ", ".join(why if count == counted else f"{why} ({count})" for why, count in discounted.most_common())
        rows.append(f"{counted} discounted, since {why}: their values count for nothing")
    if again:
        rows.append(f"the best {len(again)} are trained again first")
    return {
        "kind": "warm_from",
        "run": name,
        "trials": total,
        "fit": len(fitting),
        "left_out": [[count, why] for why, count in left.most_common()],
        "discounted": [[count, why] for why, count in discounted.most_common()],
        "says": "; ".join(rows),
    }
