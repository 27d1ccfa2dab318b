"""Runs side by side on a terminal, answer first; and as one JSON object for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tuner.records.comparison import BETTER, LEADS, SAME, TIED, Comparison, Difference, Side
from tuner.records.finding import UNKNOWN
from tuner.records.values import encode_number
from tuner.report import compare_rows
from tuner.report.compare_rows import MARK, Row
from tuner.report.sparkline import sparkline
from tuner.report.summary import ending_counts, verdict_counts
from tuner.report.terminal import show
from tuner.report.wording import number, printable

STYLES = {BETTER: "bold green", LEADS: "bold yellow", TIED: "bold", SAME: "bold"}
CURVE_WIDTH = 30
FITS, NAME_WIDTH = 80, 30
"""Columns of a terminal that a table takes, and of its names."""


def print_comparison(found: Comparison) -> None:
    """On standard output."""
    show(comparison(found))


def comparison(found: Comparison) -> RenderableType:
    """Which is better, what differs, how they went, what they cost."""
    labels = [side.label for side in found.sides]
    parts: list[RenderableType] = [Text(printable(found.answer.says), STYLES.get(found.answer.level, "bold"))]
    parts += [_indented(printable(pair.says)) for pair in found.answer.pairs]
    parts += [_indented(printable(found.answer.caveat), style="yellow")] if found.answer.caveat else []
    parts += [Text(""), *_sides(found.sides), Text("")]
    parts += _differences(found, labels)
    parts += [Text("Best so far", "bold")]
    said = compare_rows.further(found)
    parts += [_indented(said)] if said else []
    parts += [*_table("", labels, compare_rows.reached(found)), *_curves(found.sides)]
    parts += [Text(""), Text("Verdicts", "bold"), _indented(found.mix.says)]
    parts += _table("", labels, compare_rows.verdicts(found))
    parts += _table("Endings", labels, compare_rows.endings(found))
    parts += _table("Cost", labels, compare_rows.cost(found))
    parts += _table("Best configurations", labels, compare_rows.configurations(found), marked=True)
    parts += [Text(f"! {printable(note)}", "yellow") for note in found.notes]
    return Group(*parts)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Strict JSON; what is per side stands by its label."""
    answer = found.answer
    return {
        "answer": answer.says,
        "level": answer.level,
        "leader": answer.leader,
        "caveat": answer.caveat,
        "metric": found.metric,
        "mode": found.mode,
        "pairs": [
            {
                "side": pair.label,
                "level": pair.level,
                "behind": _number(pair.behind),
                "interval": None if pair.interval is None else [_number(end) for end in pair.interval],
                "says": pair.says,
            }
            for pair in answer.pairs
        ],
        "sides": {side.label: _side(side) for side in found.sides},
        "differences": {
            "settings": _by_path(found.settings, found.sides),
            "of_the_run": _by_path(found.of_the_run, found.sides),
            "conditions": _by_path(found.conditions, found.sides),
            "packages": _by_path(found.packages, found.sides),
        },
        "verdict_mix": {"differs": found.mix.differs, "p": found.mix.chance, "says": found.mix.says},
        "notes": list(found.notes),
    }


def _side(side: Side) -> dict[str, Any]:
    best, record = side.best, side.record
    told = None
    if best is not None:
        told = {
            "trial": best.trial.trial,
            "value": _number(best.value),
            "interval": None if best.interval is None else [_number(end) for end in best.interval],
            "noise": _number(best.noise),
            "noise_from": best.basis or None,
            "seeds": best.seeds,
            "verdict": best.trial.verdict or UNKNOWN,
            "config": dict(best.trial.config),
        }
    return {
        "name": side.name,
        "source": side.source,
        "path": record.path,
        "status": record.status,
        "metric": record.metric,
        "mode": record.mode,
        "best": told,
        "trials": ending_counts(record),
        "verdicts": verdict_counts(record),
        "epochs": sum(len(trial.epochs) for trial in record.everything),
        "training_seconds": round(side.training_seconds, 3),
        "seconds": record.seconds.get("total"),
        "gpu_hours": side.gpu_hours,
        "code": side.code,
        "data": side.data,
        "best_over_trials": [[at, _number(value)] for at, value in side.over_trials],
        "best_over_seconds": [[round(at, 3), _number(value)] for at, value in side.over_seconds],
    }


def _by_path(rows: Sequence[Difference], sides: Sequence[Side]) -> dict[str, dict[str, str]]:
    return {row.what: dict(zip((side.label for side in sides), row.told, strict=True)) for row in rows}


def _number(value: float | None) -> float | str | None:
    return None if value is None else encode_number(value)


def _sides(sides: Sequence[Side]) -> list[RenderableType]:
    rows: list[RenderableType] = []
    for side in sides:
        rows.append(Text.assemble((side.label, "bold"), f"  {printable(side.name)}"))
        told = ", ".join(part for part in (compare_rows.value_told(side), compare_rows.best_told(side)) if part)
        rows.append(_indented(told, 3))
    return rows


def _differences(found: Comparison, labels: Sequence[str]) -> list[RenderableType]:
    if not found.differs:
        told = "Nothing differs, of what is known"
        return [Text(told, "bold"), _indented(compare_rows.same_told(found)), Text("")]
    parts: list[RenderableType] = [Text("What differs", "bold")]
    parts += [row for one in found.settings for row in _difference(one, labels)]
    parts += [row for one in found.conditions for row in _difference(one, labels)]
    packages, more = compare_rows.packages_told(found.packages)
    parts += [row for one in packages for row in _difference(one, labels)]
    parts += [_indented(more)] if more else []
    if found.of_the_run:
        parts.append(Text("  of the run itself:", "dim"))
        parts += [row for one in found.of_the_run for row in _difference(one, labels)]
    same = compare_rows.same_told(found)
    return [*parts, *([_indented(same, style="dim")] if same else []), Text("")]


def _difference(one: Difference, labels: Sequence[str]) -> list[RenderableType]:
    what = printable(one.what)
    if len(labels) == 2:
        return [Padding(Text.assemble((what, "bold"), f": {compare_rows.changed(one)}"), (0, 0, 0, 2))]
    rows: list[RenderableType] = [Padding(Text(what, "bold"), (0, 0, 0, 2))]
    return rows + [_indented(f"{whose}: {told}", 4) for whose, told in compare_rows.grouped(one, labels)]


def _curves(sides: Sequence[Side]) -> list[RenderableType]:
    """The best trial's metric, epoch by epoch."""
    rows: list[RenderableType] = []
    for side in sides:
        if side.best is None:
            continue
        metric = side.record.metric
        curve = [row.metrics.get(metric) for row in side.best.trial.epochs]
        epochs = side.best.trial.epochs[-1].epoch if side.best.trial.epochs else 0
        drawn = f"  {side.label}  {sparkline(curve, CURVE_WIDTH)}  the best trial to epoch {epochs}"
        ends = [value for value in curve if value is not None]
        rows.append(Text(f"{drawn}: {number(ends[-1])}" if ends else drawn, no_wrap=True, overflow="ellipsis"))
    return rows


def _table(title: str, labels: Sequence[str], rows: Sequence[Row], *, marked: bool = False) -> list[RenderableType]:
    """Of many sides one table below the other. `marked`: what differs has a mark; of counts and costs nearly all do."""
    if not rows:
        return []
    parts: list[RenderableType] = [Text(""), Text(title, "bold")] if title else []
    named = min(NAME_WIDTH, max(len(row.name) for row in rows)) + 2
    widths = [max(len(label), *(len(row.cells[place]) for row in rows)) + 2 for place, label in enumerate(labels)]
    for places in _pieces(widths, FITS - named - 2):
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("", min_width=named, max_width=named, overflow="fold")
        for place in places:
            table.add_column(labels[place], justify="left" if marked else "right", overflow="fold")
        for row in rows:
            mark = f"{MARK if row.differs else ' '} " if marked else "  "
            style = "bold" if marked and row.differs else ""
            table.add_row(Text(f"{mark}{row.name}", style), *(Text(row.cells[place], style) for place in places))
        parts.append(table)
    return parts


def _pieces(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns that fit beside each other."""
    pieces: list[list[int]] = [[]]
    for place, width in enumerate(widths):
        if pieces[-1] and sum(widths[other] for other in pieces[-1]) + width > room:
            pieces.append([])
        pieces[-1].append(place)
    return pieces


def _indented(told: str, by: int = 2, style: str = "") -> RenderableType:
    return Padding(Text(told, style), (0, 0, 0, by))
