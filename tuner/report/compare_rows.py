"""Runs side by side as rows of text, which the terminal and the page share: a name, then a cell a side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.records.comparison import NOT_THERE, Comparison, Difference, Side
from tuner.records.finding import UNKNOWN
from tuner.records.reached import best_at
from tuner.records.trial import ENDINGS
from tuner.report.summary import ending_counts, verdict_counts
from tuner.report.wording import NOTHING, count, duration, number, printable, scalar

MOST_PACKAGES = 10
"""Packages that are told one by one."""
SHARES = (0.25, 0.5, 1.0)
"""Of the training seconds that all have: where the best values so far are held side by side."""
MARK = "≠"
"""Stands before what is not the same everywhere, so that colour is never all there is."""


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    cells: tuple[str, ...]
    differs: bool = False


def value_told(side: Side) -> str:
    """`val_loss 0.2105 (0.2001 to 0.2209, 3 seeds)`."""
    best, metric = side.best, printable(side.record.metric)
    if best is None:
        return f"no finite {metric}"
    told = f"{metric} {number(best.value)}"
    interval = "" if best.interval is None else f"{number(best.interval[0])} to {number(best.interval[1])}, "
    return f"{told} ({interval}{count(best.seeds, 'seed') if best.seeds > 1 else 'one training'})"


def best_told(side: Side) -> str:
    """Which trial it is."""
    if side.best is None:
        return ""
    trial = side.best.trial
    return f"trial {printable(trial.trial)}, {printable(trial.verdict or UNKNOWN)}"


def changed(one: Difference) -> str:
    """`1e-05 to 1 (log) → 0.0001 to 0.1 (log)`, of two sides."""
    return " → ".join(printable(told) for told in one.told)


def grouped(one: Difference, labels: Sequence[str]) -> list[tuple[str, str]]:
    """(`A, C`, value): each value once."""
    by_value: dict[str, list[str]] = {}
    for label, told in zip(labels, one.told, strict=True):
        by_value.setdefault(told, []).append(label)
    return [(", ".join(whose), printable(told)) for told, whose in by_value.items()]


def packages_told(rows: Sequence[Difference]) -> tuple[tuple[Difference, ...], str]:
    """Those that a result hangs on most, and how many more there are."""
    rest = rows[MOST_PACKAGES:]
    names = ", ".join(printable(one.what) for one in rest[:20]) + (", …" if len(rest) > 20 else "")
    return tuple(rows[:MOST_PACKAGES]), f"and {count(len(rest), 'package')} more: {names}" if rest else ""


def same_told(found: Comparison) -> str:
    """What was looked at and is the same, and what could not be looked at."""
    looked = [
        (
            "bounds and settings",
            found.settings or found.of_the_run,
            all(side.settings is not None for side in found.sides),
        ),
        ("code", _has(found, "code"), all(side.code != UNKNOWN for side in found.sides)),
        ("data", _has(found, "data"), all(side.data != UNKNOWN for side in found.sides)),
        ("packages", found.packages, all(side.packages for side in found.sides)),
    ]
    same = ", ".join(what for what, differs, known in looked if known and not differs)
    unknown = ", ".join(what for what, differs, known in looked if not known and not differs)
    told = [f"The same: {same}."] if same else []
    return " ".join([*told, f"Not known of every run: {unknown}."] if unknown else told)


def _has(found: Comparison, what: str) -> bool:
    return any(one.what == what for one in found.conditions)


def reached(found: Comparison) -> list[Row]:
    """The best value after the same seconds of training; none where a side has trained nothing."""
    ends = [side.over_seconds[-1][0] for side in found.sides if side.over_seconds]
    if len(ends) < len(found.sides) or not ends or found.metric is None:
        return []
    rows = []
    for share in SHARES:
        at = min(ends) * share
        rows.append(_row(f"after {_span(at)}", [number(best_at(side.over_seconds, at)) for side in found.sides]))
    return [*rows, _row("in the end", [number(side.over_seconds[-1][1]) for side in found.sides])]


def further(found: Comparison) -> str:
    """Who got further in the same time, in a sentence; empty where it cannot be said."""
    ends = [side.over_seconds[-1][0] for side in found.sides if side.over_seconds]
    if len(ends) < len(found.sides) or found.metric is None:
        return ""
    at, sign = min(ends), 1.0 if found.mode == "min" else -1.0
    values = [(side.label, best_at(side.over_seconds, at)) for side in found.sides]
    known = [(sign * value, label) for label, value in values if value is not None]
    if not known:
        return ""
    best = min(known)[0]
    leaders = [label for value, label in known if value == best]
    if len(leaders) == len(found.sides):
        return f"After {_span(at)} of training each, all stand at the same value."
    return f"After {_span(at)} of training each, {', '.join(leaders)} had got furthest."


def verdicts(found: Comparison) -> list[Row]:
    """Verdict -> trials: the most frequent of the first side first."""
    return _counts([verdict_counts(side.record) for side in found.sides])


def endings(found: Comparison) -> list[Row]:
    counts = [ending_counts(side.record) for side in found.sides]
    return _counts([{name: one[name] for name in ENDINGS if one[name]} for one in counts])


def cost(found: Comparison) -> list[Row]:
    """Trials, epochs, seconds, GPU hours: of all that was trained, further seeds and controls too."""
    told: tuple[tuple[str, Callable[[Side], str]], ...] = (
        ("trials", lambda side: str(len(side.record.trials))),
        ("on further seeds", lambda side: str(len(side.record.repeats))),
        ("control trials", lambda side: str(len(side.record.controls))),
        ("epochs trained", lambda side: str(sum(len(trial.epochs) for trial in side.record.everything))),
        ("trained for", lambda side: duration(side.training_seconds)),
        ("wall time", lambda side: duration(side.record.seconds.get("total"))),
        ("GPU hours", lambda side: number(side.gpu_hours, 3)),
    )
    rows = [_row(name, [cell(side) for side in found.sides]) for name, cell in told]
    always = ("trials", "epochs trained", "trained for", "wall time")
    return [row for row in rows if row.name in always or set(row.cells) - {"0", NOTHING}]


def configurations(found: Comparison) -> list[Row]:
    """The best ones' parameters, in the order of the first side."""
    configs = [{} if side.best is None else side.best.trial.config for side in found.sides]
    names = dict.fromkeys(name for config in configs for name in config)
    rows = []
    for name in names:
        cells = tuple(scalar(config[name]) if name in config else NOTHING for config in configs)
        values = {(type(config[name]).__name__, config[name]) if name in config else NOT_THERE for config in configs}
        rows.append(Row(printable(name), cells, len(values) > 1))
    return rows


def _counts(counts: Sequence[dict[str, int]]) -> list[Row]:
    names = dict.fromkeys(name for one in counts for name in one)
    return [_row(printable(name), [str(one.get(name, 0)) for one in counts]) for name in names]


def _row(name: str, cells: Sequence[str]) -> Row:
    return Row(name, tuple(cells), len(set(cells)) > 1)


def _span(seconds: float) -> str:
    """Short ones with two digits, so that parts of them differ."""
    return f"{number(seconds, 2)} s" if seconds < 10 else duration(seconds)
