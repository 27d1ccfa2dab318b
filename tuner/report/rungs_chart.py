"""The rungs: how many trials came to each, who went on and who was stopped there.

A trial went on where the scheduler said so, or where it has trained beyond the rung (`asha_promotion` lets it wait
first). One that came to a rung and neither went on nor was stopped waits there, or ended in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tuner.records.trial import PRUNED, SweepRecord, TrialRecord
from tuner.report import chart_range
from tuner.report.night_axes import Panel, drawable
from tuner.report.wording import count, number, printable

WENT, STOPPED, OTHER = "went on", "stopped", "other"
SIZES = (("wide", 880, 62), ("narrow", 360, 48))
"""Class, width and left margin of the two drawings, in the units of their view boxes."""
TOP, HEIGHT, BOTTOM = 20, 240, 40


@dataclass(frozen=True, slots=True)
class Level:
    """One rung: (trial, value, what became of it) of all that came to it, best first."""

    epoch: int
    came: tuple[tuple[str, float, str], ...]

    def of(self, fate: str) -> list[float]:
        return [value for _, value, became in self.came if became == fate]

    def names(self, fate: str) -> list[str]:
        return [name for name, _, became in self.came if became == fate]


def levels(record: SweepRecord) -> tuple[Level, ...]:
    """By epoch; nothing where no scheduler compared trials."""
    sign = 1.0 if record.mode == "min" else -1.0
    by_epoch: dict[int, list[tuple[str, float, str]]] = {}
    for trial in record.trials:
        for epoch, value in {rung.epoch: rung.value for rung in trial.rungs}.items():
            by_epoch.setdefault(epoch, []).append((trial.trial, value, _fate(trial, epoch)))
    return tuple(
        Level(epoch, tuple(sorted(rows, key=lambda row: (not drawable(row[1]), sign * row[1], row[0]))))
        for epoch, rows in sorted(by_epoch.items())
    )


def section(record: SweepRecord) -> str:
    """Empty where there are no rungs."""
    found = levels(record)
    if not found:
        return ""
    metric = escape(printable(record.metric))
    rows = "".join(_row(level) for level in found)
    counted = ("rung (epoch)", "trials that came", "went on", "stopped", "other")
    heads = (*counted, f"worst {metric} that went on", f"best {metric} stopped")
    cells = "".join(f'<th scope="col" class="plain n">{head}</th>' for head in heads)
    pictures = "".join(_picture(found, record, *size) for size in SIZES)
    return (
        '<section id="rungs" aria-labelledby="rungs-title"><h2 id="rungs-title">Rungs</h2>'
        f"<p>At each rung, an epoch, the scheduler compares trials by {metric}: a dot went on, a cross was "
        f"stopped there; a ring waits, or ended in another way. What is much worse than most lies on the edge. "
        f"{escape(_told(found, record))}</p>{pictures}"
        f'<div class="scroll" tabindex="0"><table class="still"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody>'
        "</table></div></section>"
    )


def _fate(trial: TrialRecord, epoch: int) -> str:
    promoted = any(rung.promoted for rung in trial.rungs if rung.epoch == epoch)
    if promoted or (trial.epochs and trial.epochs[-1].epoch > epoch):
        return WENT
    return STOPPED if trial.ending == PRUNED else OTHER


def _told(found: Sequence[Level], record: SweepRecord) -> str:
    stopped = sum(len(level.of(STOPPED)) for level in found)
    through = len(found[-1].of(WENT))
    of = count(len(record.trials), "trial")
    return f"Of {of} {stopped} were stopped at a rung, and {through} went on beyond the last one."


def _row(level: Level) -> str:
    went = [value for value in level.of(WENT) if drawable(value)]
    stopped = [value for value in level.of(STOPPED) if drawable(value)]
    edge = [number(went[-1]) if went else "–", number(stopped[0]) if stopped else "–"]
    if stopped:
        name = escape(level.names(STOPPED)[0])
        edge[1] += f' <button type="button" data-trial="{name}">trial {name}</button>'
    cells = [level.epoch, len(level.came), *(len(level.of(fate)) for fate in (WENT, STOPPED, OTHER)), *edge]
    return "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _picture(found: Sequence[Level], record: SweepRecord, look: str, width: int, left: int) -> str:
    values = (value for level in found for _, value, _ in level.came)
    panel = chart_range.panel(values, record.mode, left, width - 8, TOP, HEIGHT - BOTTOM)
    if panel is None:
        return ""
    parts = [f'<text x="2" y="12">{escape(printable(record.metric)[:40])}</text>', *panel.grid()]
    for place, level in enumerate(found):
        parts += _column(level, place, len(found), panel, record.mode)
    told = "; ".join(
        f"epoch {level.epoch}: {len(level.came)} came, {len(level.of(WENT))} went on, "
        f"{len(level.of(STOPPED))} were stopped"
        for level in found
    )
    box = f'viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="Rungs. {escape(told)}"'
    return f'<svg class="chart-svg only-{look}" {box}>{"".join(parts)}</svg>'


def _column(level: Level, place: int, of: int, panel: Panel, mode: str) -> Iterator[str]:
    """The dots of a rung, spread sideways by golden sections; what they came to below."""
    middle, half = panel.x((place + 0.5) / of), (panel.right - panel.left) / of / 2
    worse = panel.high if mode == "min" else panel.low
    if place:
        yield f'<path class="grid" d="M{middle - half:.1f} {panel.top:.0f}V{panel.bottom:.0f}"/>'
    moves = {WENT: "", STOPPED: "", OTHER: ""}
    for row, (_, value, fate) in enumerate(level.came):
        y = panel.y(value) if drawable(value) else panel.y(worse)
        x = middle + 0.8 * half * (2 * ((row * 0.6180339887) % 1) - 1)
        if fate == WENT:
            moves[fate] += f"M{x:.1f} {y:.1f}h0"
        elif fate == STOPPED:
            moves[fate] += f"M{x - 2.5:.1f} {y - 2.5:.1f}l5 5m0-5l-5 5"
        else:
            moves[fate] += f"M{x - 3:.1f} {y:.1f}a3 3 0 1 0 6 0a3 3 0 1 0-6 0"
    for fate, look in ((STOPPED, "stopped"), (OTHER, "other"), (WENT, "went")):
        if moves[fate]:
            yield f'<path class="{look}" d="{moves[fate]}"/>'
    y = panel.bottom + 15
    went = len(level.of(WENT))
    told, name = f"{went} of {len(level.came)} went on", f"epoch {level.epoch}"
    if 2 * half < 18 * 8:
        told, name = f"{went} of {len(level.came)}", f"epoch {level.epoch}" if 2 * half > 70 else str(level.epoch)
    yield f'<text class="strong" x="{middle:.1f}" y="{y:.0f}" text-anchor="middle">{name}</text>'
    yield f'<text x="{middle:.1f}" y="{y + 15:.0f}" text-anchor="middle">{told}</text>'
