"""The configurations that were trained on several seeds: mean, interval, each seed's value; for page and terminal."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.records.seeds import OverSeeds, chosen_by_mean, over_seeds
from tuner.records.trial import COMPLETED, SweepRecord, TrialRecord
from tuner.report.wording import NOTHING, number, printable

ROWS = 10
EXPLAINED = (
    "The interval covers the noise between seeds alone, its own and what is usual among these configurations; "
    "all seeds are judged by the same validation examples."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration, in words."""

    trial: str
    mean: str
    interval: str
    seeds: str
    """Each seed's value, or how it ended."""
    first: str
    """A finalist's own value in the search, which chose it and does not count; else nothing."""
    wins: bool


def rows(record: SweepRecord) -> tuple[Row, ...]:
    """Best mean first; of many, the first ten."""
    chosen = chosen_by_mean(record)
    return tuple(_row(one, chosen) for one in over_seeds(record)[:ROWS])


def headings(record: SweepRecord) -> tuple[str, ...]:
    """Each value is of the sweep's metric; the last column is of finalists alone."""
    metric = printable(record.metric)
    columns = ("trial", f"mean {metric}", "95 % interval", f"{metric} of each seed", f"{metric} that chose it")
    return columns if record.finalists else columns[:-1]


def title(record: SweepRecord) -> str:
    return "Finalists" if record.finalists else "Over several seeds"


def told(record: SweepRecord) -> str:
    """How the winner was chosen, in a sentence; empty without further seeds."""
    chosen = chosen_by_mean(record)
    if chosen is not None:
        what = f"{record.final_seeds} further seeds" if record.finalists else f"{record.seeds_each} seeds"
        return f"chosen by the mean over {what}: {mean_and_interval(chosen)}"
    if record.finalists:
        return "chosen by its own value: the finalists have not all been trained"
    return ""


def mean_and_interval(one: OverSeeds) -> str:
    """`0.213 (0.205 to 0.221)`."""
    return number(one.mean) + (f" ({_interval(one)})" if one.interval is not None else "")


def terminal(record: SweepRecord) -> RenderableType | None:
    """A table; None without further seeds."""
    found = rows(record)
    if not found:
        return None
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    first = record.finalists != ()
    for place, heading in enumerate(headings(record)):
        table.add_column(heading, no_wrap=place in (0, 1, 2), overflow="fold")
    for row in found:
        cells = [row.trial, row.mean, row.interval, row.seeds, *([row.first] if first else [])]
        table.add_row(*(Text(printable(cell)) for cell in cells), style="bold" if row.wins else "")
    return Group(Text(title(record), "bold"), table)


def section(record: SweepRecord, figures: str = "") -> str:
    """Of the page, with `figures` (HTML) below the table; empty without further seeds."""
    found = rows(record)
    if not found:
        return ""
    heads = "".join(f'<th scope="col" class="plain">{escape(name)}</th>' for name in headings(record))
    lines = []
    for row in found:
        mark = ' <span class="bestmark">best</span>' if row.wins else ""
        name = f'<button type="button" data-trial="{escape(row.trial)}">trial {escape(row.trial)}</button>{mark}'
        cells = [name, *map(escape, (row.mean, row.interval, row.seeds, *([row.first] if record.finalists else [])))]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heading = title(record)
    return (
        f'<section id="seeds" aria-labelledby="seeds-title"><h2 id="seeds-title">{heading}</h2>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f'<tbody>{"".join(lines)}</tbody></table></div><p class="soft">{EXPLAINED}</p>{figures}</section>'
    )


def _row(one: OverSeeds, chosen: OverSeeds | None) -> Row:
    wins = chosen is not None and chosen.trial.trial == one.trial.trial
    missing = one.wanted - len(one.trainings)
    seeds = [_seed(training) for training in one.trainings] + (["…"] if missing > 0 else [])
    interval = NOTHING if one.interval is None else _interval(one)
    return Row(one.trial.trial, number(one.mean), interval, ", ".join(seeds), number(one.trial.value), wins)


def _seed(training: TrialRecord) -> str:
    if training.ending == COMPLETED:
        return number(training.value)
    return training.ending or "running"


def _interval(one: OverSeeds) -> str:
    assert one.interval is not None
    low, high = one.interval
    return f"{number(low)} to {number(high)}"
