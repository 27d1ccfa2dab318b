"""Two to ten runs side by side: which is better and whether by more than noise, what differs, what it cost.

Of two runs that differ in one bound it says exactly that; of a run beside itself, that nothing differs.
"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.api.compared import MLFLOW, Where, read_side
from tuner.api.differing import cut, differing, package_rank
from tuner.diagnosis.between import answer
from tuner.diagnosis.mix import verdict_mix
from tuner.errors import Fault, InputError
from tuner.records.comparison import NOT_THERE, Comparison, Difference, Side

FEWEST, MOST = 2, 10
LABELS = "ABCDEFGHIJ"
OF_THE_RUN = (
    "name",
    "data.dir",
    "storage",
    "tracking",
    "nightly",
    "checkpoints",
    "retries",
    "search.warm_start",
    "search.enqueue",
)
"""Paths of a sweep file that say where a run lies and what it began from."""
UNKNOWN = "unknown"


def compare(words: Sequence[str], where: Where) -> Comparison:
    """`words`: run directories or their names, nights, `mlflow:EXPERIMENT_OR_RUN`.

    Raises InputError with all that cannot be compared.
    """
    if not FEWEST <= len(words) <= MOST:
        cure = f"name {FEWEST} to {MOST} runs, such as `tuner compare RUN RUN`"
        raise InputError("what to compare", (Fault("RUN", len(words), cure),))
    sides: list[Side] = []
    faults: list[Fault] = []
    order = sorted(range(len(words)), key=lambda place: words[place].startswith(MLFLOW))
    for place in order:  # MLflow last: what others are judged by is asked of it
        try:
            sides.append(read_side(LABELS[place], words[place], _asking(where, sides)))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError("what to compare", tuple(faults))
    return comparison(tuple(sorted(sides, key=lambda side: side.label)))


def comparison(sides: tuple[Side, ...]) -> Comparison:
    """What is said of sides that were read."""
    judged = {(side.record.metric, side.record.mode) for side in sides}
    metric, mode = judged.pop() if len(judged) == 1 else (None, None)
    every = _settings(sides)
    return Comparison(
        sides,
        metric,
        mode,
        answer(sides),
        settings=tuple(one for one in every if not _of_the_run(one.what)),
        of_the_run=tuple(one for one in every if _of_the_run(one.what)),
        conditions=tuple(_conditions(sides)),
        packages=tuple(_packages(sides)),
        mix=verdict_mix(sides),
        notes=tuple(f"{side.label}: {note}" for side in sides for note in side.notes),
    )


def _asking(where: Where, sides: Sequence[Side]) -> Where:
    if where.metric is not None or not sides:
        return where
    record = sides[0].record
    return Where(where.runs, where.uri, record.metric, record.mode)


def _settings(sides: Sequence[Side]) -> list[Difference]:
    """By section and name, whichever side comes first; where one's are not known, of the others."""
    known = [side.settings is not None for side in sides]
    bounded = [known[place] or bool(side.space) for place, side in enumerate(sides)]
    found = _among(sides, bounded, [side.space for side in sides])
    found += _among(sides, known, [side.settings or {} for side in sides])
    return sorted(found, key=lambda one: (not one.what.startswith("space."), one.what))


def _among(sides: Sequence[Side], known: Sequence[bool], values: Sequence[object]) -> list[Difference]:
    there = [place for place in range(len(sides)) if known[place]]
    if len(there) < 2:
        return []
    rows = differing([dict(values[place]) for place in there])  # type: ignore[call-overload]
    return [Difference(row.what, _spread(row.told, there, len(sides))) for row in rows]


def _spread(told: Sequence[str], there: Sequence[int], count: int) -> tuple[str, ...]:
    by_place = dict(zip(there, told, strict=True))
    return tuple(by_place.get(place, UNKNOWN) for place in range(count))


def _conditions(sides: Sequence[Side]) -> list[Difference]:
    found = []
    for what, told in (("code", [side.code for side in sides]), ("data", [side.data for side in sides])):
        if len(set(told) - {UNKNOWN}) > 1:
            found.append(Difference(what, cut(told)))
    machines = [bool(side.machine) for side in sides]
    return found + sorted(_among(sides, machines, [side.machine for side in sides]), key=lambda one: one.what)


def _packages(sides: Sequence[Side]) -> list[Difference]:
    """MLflow notes some packages alone: beside it, those that all have are compared."""
    noted = [bool(side.packages) for side in sides]
    rows = _among(sides, noted, [side.packages for side in sides])
    if any(side.source == "mlflow" for side in sides):
        rows = [row for row in rows if NOT_THERE not in row.told]
    return sorted(rows, key=lambda row: package_rank(row.what))


def _of_the_run(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}.") for place in OF_THE_RUN)
