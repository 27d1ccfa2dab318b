"""The nights of a sweep as text: Markdown for a job's summary or a mail, a table for the terminal, JSON for scripts."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, OK, REGRESSED, SKIPPED, NightRecord
from tuner.records.values import encode_number
from tuner.report.night_history import (
    DETAIL,
    change_told,
    control,
    control_told,
    effect_told,
    name_of,
    ordered,
    seed_values,
    state_began,
    state_told,
    until,
)
from tuner.report.sparkline import sparkline
from tuner.report.terminal import show
from tuner.report.wording import NOTHING, count, duration, number, printable

MARKS = {
    OK: ("✓", "green"),
    REGRESSED: ("✗", "bold red"),
    IMPROVED: ("★", "blue"),
    NOISY: ("~", "yellow"),
    INCOMPLETE: ("…", "magenta"),
    SKIPPED: ("-", "dim"),
}
ROWS, LINES = 7, 10
"""Nights, and changes and commits of each, in the Markdown."""
PIPED = 300
"""Columns where nobody said how wide the terminal is: hardly a reason is cut short."""
LEAST = 24
"""Columns for the reasons; with less room the last night's stands below the table alone."""
KEPT = 5
"""Columns of the table that stay in a narrow terminal: up to the effect."""
_SPECIAL = re.compile(r"[\\`*\[\]|~#<>&]|(?<!\w)_|_(?!\w)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def night_markdown(record: NightRecord, nights: Sequence[NightRecord]) -> str:
    """The line, what changed since the last good night, remarks, and the last nights as a small table."""
    told = until(record, nights)
    lines = [f"**{_plain(f'{record.date} {record.sweep} {record.verdict}')}**: {_plain(record.judgement.why)}", ""]
    if state := state_told(told):
        lines += [_plain(state), ""]
    if record.changes:
        lines += [f"What changed since the last good night ({_plain(record.since or NOTHING)}):", ""]
        for change in record.changes[:LINES]:
            ends = f": {_plain(change.old) or NOTHING} → {_plain(change.new) or NOTHING}"
            lines.append(f"- {_plain(change_told(change))}{ends if change.old or change.new else ''}")
            lines += [f"  - {_plain(line)}" for line in change.details[:LINES]]
            more = len(change.details) - LINES
            lines += [f"  - and {more} more"] if more > 0 else []
        others = len(record.changes) - LINES
        lines += [f"- and {count(others, 'other change')}"] if others > 0 else []
        lines.append("")
    elif record.since is not None:
        lines += [f"Nothing that is recorded changed since the last good night ({_plain(record.since)}).", ""]
    remarks = [*record.judgement.remarks, *record.notes]
    lines += [*(f"- {_plain(text)}" for text in remarks), ""] if remarks else []
    metric = _plain(record.metric)
    lines += [f"| date | verdict | control ({metric}) | best | worse by (95 %) | trials | took |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    lines += [_markdown_row(night, record, told) for night in reversed(told[-ROWS:])]
    if any(night.key != record.key for night in told[-ROWS:]):
        lines += ["", "\\* not comparable with this night"]
    if record.path:
        lines += ["", f"Run: {_plain(record.path)}"]
    return "\n".join(lines) + "\n"


def print_nights(nights: Sequence[NightRecord]) -> None:
    """The table on standard output: as wide as the terminal and with its colours, where it is one."""
    if sys.stdout.isatty():
        show(nights_shown(nights, shutil.get_terminal_size().columns))
    else:
        print(nights_table(nights), end="")


def nights_table(nights: Sequence[NightRecord], width: int = PIPED) -> str:
    """For the terminal, without colours: the control as a sparkline, then a row for each of the last nights."""
    stream = io.StringIO()
    show(nights_shown(nights, width), stream, width)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def nights_shown(nights: Sequence[NightRecord], width: int = PIPED) -> RenderableType:
    """The same with colours, for `terminal.show`; `width`: the terminal's columns."""
    told = ordered(nights)
    if not told:
        return Text("no night has been run yet")
    last = told[-1]
    comparable = [control(night) if night.key == last.key else None for night in told[-DETAIL:]]
    of = count(len(told), "night") if len(told) <= DETAIL else f"the last {DETAIL} of {len(told)} nights"
    worse = "up" if last.mode == "min" else "down"
    told_of = f"  {printable(last.metric)} of the control, {of} ({worse} is worse)"
    parts: list[RenderableType] = [
        Text.assemble((printable(last.sweep), "bold"), told_of),
        Text(f"{sparkline(comparable, DETAIL)}  {control_told(last)}", no_wrap=True, overflow="ignore"),
        Text(""),
        _table(told[-DETAIL:], width),
    ]
    if len(told) > DETAIL:
        parts.append(Text(f"{count(len(told) - DETAIL, 'night')} before them: --json has all", "dim"))
    if any(night.key != last.key for night in told[-DETAIL:]):
        parts.append(Text("* another control, task, metric, split or number of epochs: not comparable", "dim"))
    return Group(
        *parts, Text(""), Text(printable(last.line())), *([Text(state)] if (state := state_told(told)) else [])
    )


def _table(nights: Sequence[NightRecord], width: int) -> Table:
    """The last column has what room the others leave."""
    heads = ["night", "verdict", "control", "best", "worse by", "trials", "failed", "took"]
    rows = [[Text(cell) for cell in _cells(night, nights[-1])] for night in nights]
    for row, night in zip(rows, nights, strict=True):
        row.insert(1, _verdict(night))
    widths = [max(len(head), *(row[place].cell_len for row in rows)) for place, head in enumerate(heads)]
    while sum(widths) + 2 * (len(widths) - 1) > width and len(widths) > KEPT:
        heads, widths, rows = heads[:-1], widths[:-1], [row[:-1] for row in rows]
    room = width - sum(widths) - 2 * len(widths)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, (head, wide) in enumerate(zip(heads, widths, strict=True)):
        table.add_column(head, justify="left" if place < 2 else "right", no_wrap=True, min_width=wide)
    if room >= LEAST:
        table.add_column("why", no_wrap=True, overflow="ellipsis", max_width=room)
    for row, night in zip(rows, nights, strict=True):
        why = [Text(printable(night.judgement.why), no_wrap=True, overflow="ellipsis")] if room >= LEAST else []
        table.add_row(*row, *why)
    return table


def _cells(night: NightRecord, last: NightRecord) -> list[str]:
    total = night.trials.get("total")
    star = "" if night.key == last.key else " *"
    effect = effect_told(night).partition(" ")[0]
    amounts = [number(total), number(night.trials.get("failed", 0) if total else None), duration(night.seconds)]
    return [printable(night.id) + star, control_told(night), _best(night), effect, *amounts]


def nights_json(nights: Sequence[NightRecord]) -> dict[str, Any]:
    """Strict JSON: the present state and since when, then every night, the newest last."""
    told = ordered(nights)
    last = told[-1] if told else None
    return {
        "sweep": last.sweep if last else None,
        "metric": last.metric if last else None,
        "mode": last.mode if last else None,
        "state": last.state if last else None,
        "state_since": state_began(told).date if told else None,
        "reference": last.reference if last else None,
        "nights": [_row(night, told[-1]) for night in told],
    }


def _row(night: NightRecord, last: NightRecord) -> dict[str, Any]:
    judged = night.judgement
    return {
        "night": night.id,
        "date": night.date,
        "verdict": night.verdict,
        "why": judged.why,
        "state": night.state,
        "comparable": night.key == last.key,
        "control": _number(control(night)),
        "seeds": {str(seed): _number(value) for seed, value in seed_values(night).items()},
        "best": None if night.best is None else _number(night.best.value),
        "effect": _number(judged.effect),
        "interval": None if judged.interval is None else [_number(end) for end in judged.interval],
        "noise": _number(judged.noise),
        "threshold": _number(judged.threshold),
        "reference": night.reference,
        "trials": dict(night.trials),
        "seconds": night.seconds,
        "gpu_hours": night.gpu_hours,
        "run": night.run,
        "path": night.path,
    }


def _number(value: float | None) -> float | str | None:
    return None if value is None else encode_number(value)


def _markdown_row(night: NightRecord, record: NightRecord, nights: Sequence[NightRecord]) -> str:
    star = "" if night.key == record.key else " \\*"
    accepted = " (accepted)" if night.id == record.reference else ""
    trials = number(night.trials.get("total"))
    cells = [
        f"{_plain(name_of(night, nights))}{star}{accepted}",
        _plain(night.verdict),
        control_told(night),
        _best(night),
    ]
    return "| " + " | ".join([*cells, effect_told(night), trials, duration(night.seconds)]) + " |"


def _plain(text: object) -> str:
    """A user's text in Markdown, as it is: neither markup nor HTML, on one line."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), printable(text))


def _verdict(night: NightRecord) -> Text:
    mark, style = MARKS.get(night.verdict, ("?", "dim"))
    return Text(f"{mark} {printable(night.verdict)}", style)


def _best(night: NightRecord) -> str:
    return NOTHING if night.best is None else number(night.best.value)
