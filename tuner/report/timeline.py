"""Who trained what, when and where: a row for each worker's place, and the time that it was idle.

The journal names a trial's node, not its worker. So a node has as many rows as trials ran there at once, and a trial
takes the row that has been free for longest. A trial that ended before its first report has named no node: it takes a
row that was free then, of any node, since some worker was there, for as long as that was. Times without a driver are
cut out, with a line where they were.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from tuner.records.trial import COMPLETED, PRUNED, SweepRecord
from tuner.report.curve_drawing import ticks
from tuner.report.verdict_style import SHAPES
from tuner.report.wording import count, duration, percent, printable

SIZES = (("wide", 880, 130), ("narrow", 360, 84))
"""Class, width and left margin of the two drawings, in the units of their view boxes."""
TOP, ROW, BAR, BOTTOM = 8, 15, 11, 34
MOST_ROWS = 64
MOST_TOLD = 3000
"""Spans that each say what they were; of more trials they are drawn alone."""
UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "days"))
NOWHERE = "unnamed"


class Span(NamedTuple):
    """A stretch of a trial's training, in seconds of the sweep's time, in which a driver was there."""

    start: float
    end: float
    trial: str
    ending: str
    node: str
    """Empty where it was not named."""


@dataclass(frozen=True, slots=True)
class Row:
    """One worker's place on a node."""

    node: str
    spans: tuple[Span, ...]

    @property
    def busy(self) -> float:
        return sum(span.end - span.start for span in self.spans)


@dataclass(frozen=True, slots=True)
class Timeline:
    rows: tuple[Row, ...]
    seconds: float
    """The sweep's time: rows are as long."""

    @property
    def busy(self) -> float:
        return sum(row.busy for row in self.rows)

    @property
    def idle(self) -> float:
        return max(0.0, self.seconds * len(self.rows) - self.busy)


def timeline(record: SweepRecord) -> Timeline | None:
    """None where nothing has left a worker yet."""
    by_node: dict[str, list[Span]] = {}
    for trial in record.everything:
        for start, end, node in trial.spans:
            span = Span(_at(record, start), _at(record, end), trial.trial, trial.ending or "not ended", node)
            by_node.setdefault(node, []).append(span)
    if not by_node:
        return None
    last = max(span.end for spans in by_node.values() for span in spans)
    if record.ended_at is not None:
        last = max(last, _at(record, record.ended_at))
    nameless = by_node.pop("", [])
    packed = [(node, spans) for node, some in sorted(by_node.items()) for spans in _packed(some)]
    left = [span for span in sorted(nameless) if not _fitted(span, [spans for _, spans in packed])]
    packed += [(NOWHERE, spans) for spans in _packed(left)]
    return Timeline(tuple(Row(node, tuple(spans)) for node, spans in packed), last)


def section(record: SweepRecord) -> str:
    """Empty where nothing has left a worker yet."""
    found = timeline(record)
    if found is None or found.seconds <= 0:
        return ""
    pictures = "".join(_picture(found, record, *size) for size in SIZES)
    more = len(found.rows) - MOST_ROWS
    notes = [
        "A bar a trial: tall where it was completed, lower where it was pruned, lowest where it ended otherwise.",
        "A cross is a lost worker." if record.losses else "",
        "A line below a node's rows: it was avoided." if record.avoided else "",
        f"An upright line: {_gaps(record)} without a driver, cut out." if record.away else "",
        f"{count(more, 'row')} more are not drawn." if more > 0 else "",
    ]
    return (
        '<section id="time" aria-labelledby="time-title"><h2 id="time-title">Workers over time</h2>'
        f"<p>{escape(_told(found))}</p>{pictures}"
        f'<p class="soft">{escape(" ".join(note for note in notes if note))}</p>{_nodes(found, record)}</section>'
    )


def _at(record: SweepRecord, at: float) -> float:
    """Seconds since the start, those without a driver left out."""
    return max(0.0, at - record.started_at - sum(max(0.0, min(at, to) - since) for since, to in record.away))


def _packed(spans: Sequence[Span]) -> list[list[Span]]:
    rows: list[list[Span]] = []
    for span in sorted(spans):
        free = [row for row in rows if row[-1].end <= span.start + 1e-6]
        if free:
            min(free, key=lambda row: row[-1].end).append(span)
        else:
            rows.append([span])
    return rows


def _fitted(span: Span, rows: Sequence[list[Span]]) -> bool:
    """Whether a row was free for some of it; it lies in the row that was free for longest then."""
    free = []
    for row in rows:
        place = bisect(row, span)
        start = max([span.start, *(one.end for one in row[:place][-1:])])
        end = min([span.end, *(one.start for one in row[place : place + 1])])
        free.append((end - start, span._replace(start=start, end=end), row))
    longest = max(free, key=lambda one: one[0], default=None)
    if longest is None or longest[0] <= 0:
        return False
    insort(longest[2], longest[1])
    return True


def _told(found: Timeline) -> str:
    share = found.idle / (found.seconds * len(found.rows))
    return (
        f"At most {count(len(found.rows), 'trial')} ran at once, for {duration(found.seconds)}: workers were busy for "
        f"{duration(found.busy)} and idle for {duration(found.idle)} ({percent(share)} of their time, "
        "the sweep's start and end included)."
    )


def _gaps(record: SweepRecord) -> str:
    return duration(sum(to - since for since, to in record.away))


def _nodes(found: Timeline, record: SweepRecord) -> str:
    heads = ("node", "trials at once", "stretches", "busy", "idle", "lost workers", "avoided")
    cells = "".join(f'<th scope="col" class="plain{" n" if place else ""}">{h}</th>' for place, h in enumerate(heads))
    lines = []
    for node, rows in _by_node(found.rows).items():
        busy = sum(row.busy for row in rows)
        avoided = sum(1 for one in record.avoided if one.node == node)
        told = [
            str(len(rows)),
            str(sum(len(row.spans) for row in rows)),
            duration(busy),
            duration(max(0.0, found.seconds * len(rows) - busy)),
            str(sum(1 for loss in record.losses if (loss.node or NOWHERE) == node)),
            f"{count(avoided, 'time')}" if avoided else "–",
        ]
        lines.append(
            f"<tr><td>{escape(printable(node))}</td>{''.join(f'<td class=n>{cell}</td>' for cell in told)}</tr>"
        )
    return (
        f'<div class="scroll" tabindex="0"><table class="still"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _by_node(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.node, []).append(row)
    return found


def _picture(found: Timeline, record: SweepRecord, look: str, width: int, left: int) -> str:
    rows = found.rows[:MOST_ROWS]
    bottom = TOP + ROW * len(rows)
    scale = (width - 10 - left) / found.seconds
    parts = [*_axis(found.seconds, scale, left, width, bottom)]
    told = sum(len(row.spans) for row in rows) <= MOST_TOLD
    opens = {trial.trial: trial.repeat_of or trial.trial for trial in record.trainings}
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if row.node not in places:
            name = printable(row.node)
            name = name if len(name) * 7.6 < left - 8 else name[: int((left - 8) / 7.6) - 1] + "…"
            parts.append(f'<text x="2" y="{TOP + ROW * place + 11}">{escape(name)}</text>')
            if place:
                parts.append(f'<path class="axis" d="M2 {TOP + ROW * place}H{width - 10}"/>')
        places.setdefault(row.node, []).append(place)
        parts += _bars(row, TOP + ROW * place, scale, left, opens if told else None)
    parts += _events(record, rows, places, scale, left)
    for since, _ in record.away:
        x = left + scale * _at(record, since)
        parts.append(f'<path class="since" d="M{x:.1f} {TOP - 4}V{bottom}"/>')
    box = f'viewBox="0 0 {width} {bottom + BOTTOM}" role="img" aria-label="{escape(_told(found))}"'
    return f'<svg class="chart-svg only-{look}" {box}>{"".join(parts)}</svg>'


def _axis(seconds: float, scale: float, left: int, width: int, bottom: int) -> Iterator[str]:
    size, unit = max((u for u in UNITS if seconds / u[0] >= 2), default=UNITS[0])
    for value in ticks(0.0, seconds / size):
        x = left + value * size * scale
        if x < width - 30:
            yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{value:g}</text>'
    yield f'<text x="{width - 4}" y="{bottom + 30}" text-anchor="end">time since the start ({unit})</text>'


def _bars(row: Row, top: float, scale: float, left: int, opens: Mapping[str, str] | None) -> Iterator[str]:
    """`opens`: which trial of the table a click opens, a further seed its configuration's; None: bars say nothing."""
    moves: dict[str, str] = {}
    for span in row.spans:
        look, height = _look(span.ending)
        x, wide = left + scale * span.start, max(0.6, scale * (span.end - span.start) - 0.4)
        bar = f"M{x:.1f} {top + 2 + BAR - height}h{wide:.1f}v{height}h-{wide:.1f}z"
        if opens is not None:
            where = f" on {span.node}" if span.node else ", on a node that it did not name"
            says = f"trial {span.trial}, {span.ending}: {duration(span.end - span.start)}{where}"
            title = f"<title>{escape(printable(says))}</title>"
            click = f' data-trial="{escape(opens[span.trial])}"' if span.trial in opens else ""
            yield f'<path class="bar {look}" d="{bar}"{click}>{title}</path>'
        else:
            moves[look] = moves.get(look, "") + bar
    for look, bars in moves.items():
        yield f'<path class="bar {look}" d="{bars}"/>'


def _look(ending: str) -> tuple[str, int]:
    """A bar's class and height: never the colour alone."""
    return {COMPLETED: ("whole", BAR), PRUNED: ("cut", BAR - 4)}.get(ending, ("bad", BAR - 7))


def _events(
    record: SweepRecord, rows: Sequence[Row], places: Mapping[str, Sequence[int]], scale: float, left: int
) -> Iterator[str]:
    """Crosses where workers were lost, on the row of their trial; lines where nodes were avoided."""
    for loss in record.losses:
        at = _at(record, loss.at)
        for place in places.get(loss.node or NOWHERE, ()):
            if any(span.trial == loss.trial and abs(span.end - at) < 1e-3 for span in rows[place].spans):
                move = f"translate({left + scale * at - 5:.1f} {TOP + ROW * place + 2.5})"
                says = f"trial {loss.trial}: {loss.failure or 'lost'}, {loss.reason}"
                cross = f'<path class="shape halo" d="{SHAPES["cross"]}" transform="{move}">'
                yield f"{cross}<title>{escape(printable(says))}</title></path>"
    end = max((span.end for row in rows for span in row.spans), default=0.0)
    for one in record.avoided:
        if one.node in places:
            x = [left + scale * min(end, _at(record, at)) for at in (one.at, one.until)]
            y = TOP + ROW * (places[one.node][-1] + 1) - 0.5
            title = f"<title>{escape(printable(one.reason))}</title>"
            yield f'<path class="avoided" d="M{x[0]:.1f} {y}H{max(x[1], x[0] + 3):.1f}">{title}</path>'
