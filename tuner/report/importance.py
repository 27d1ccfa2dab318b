"""Which parameters matter: the forest's importances with their intervals, as a picture; and by ranks where it has too
few trials, which is enough to choose what to draw.

Share   half of the forest's permutation importance (`diagnosis/sweep/forest.py`): the share of the variance of the
        trials' ranks that is not there without the parameter, alone and together with others, 0 to 1. Shuffling a
        column adds twice that to the squared error, since the true and the shuffled value differ both ways.
Source  Jansen (1999), Analysis of variance designs for model output: the total effect; Breiman (2001).

Spearman's rank correlation
sees rising and falling trends and misses a valley in the middle; nobody is told that number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from tuner.diagnosis.sweep import parameter_idle
from tuner.records.trial import SweepRecord
from tuner.report.wording import percent, printable

TRIALS_NEEDED = 4
"""With fewer, every correlation is luck."""
SHOWN = 20
"""Bars at most."""
SIZES = (("wide", 880, 240), ("narrow", 360, 130))
"""Class, width and left margin of the two drawings, in the units of their view boxes."""
ROW, TOP, BOTTOM = 24, 4, 38


@dataclass(frozen=True, slots=True)
class Important:
    """One parameter's share, from 0 (a little below, by chance) to 1, with a 90 % interval."""

    name: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Importances:
    rows: tuple[Important, ...]
    """The most important one first."""
    explained: float
    """Share that the forest explains on trials it has not seen."""
    trials: int


def importances(record: SweepRecord) -> Importances | None:
    """None with fewer than `parameter_idle.FEW` trials to compare, or fewer than two parameters searched."""
    judged = parameter_idle.judged(record)
    if judged is None:
        return None
    found = judged.found
    rows = [
        Important(parameter.name, float(found.middle[i]) / 2, float(found.low[i]) / 2, float(found.high[i]) / 2)
        for i, parameter in enumerate(judged.searched)
    ]
    return Importances(tuple(sorted(rows, key=lambda row: -row.share)), found.explained, len(judged.stood.trials))


def ranking(record: SweepRecord, found: Importances | None) -> list[str]:
    """Parameters, those that matter most first: by the forest where it explains anything, else by ranks."""
    if found is not None and found.explained > 0:
        return [row.name for row in found.rows]
    by_rank = rank_correlations(record)
    return sorted(by_rank, key=lambda name: -by_rank[name])


def section(found: Importances | None) -> str:
    title = '<section id="importance" aria-labelledby="importance-title"><h2 id="importance-title">Importance</h2>'
    if found is None:
        few = parameter_idle.FEW
        return f"{title}<p>Not told: it takes two parameters and {few} trials that were compared.</p></section>"
    trust = (
        f"A forest of trees, fitted to {found.trials} trials, explains {percent(max(0.0, found.explained))} of how "
        "differently they rank. "
    )
    if found.explained < parameter_idle.EXPLAINED:
        trust += "That is little: do not rely on the order below. "
    trust += (
        "A bar is the share of that which needs the parameter, alone or with others; the line is its 90 % interval."
    )
    pictures = "".join(_picture(found, *size) for size in SIZES)
    return f"{title}<p>{trust}</p>{pictures}</section>"


def _picture(found: Importances, look: str, width: int, left: int) -> str:
    rows = found.rows[:SHOWN]
    end = max(0.05, *(row.high for row in rows))
    scale = (width - left - 70) / end
    parts: list[str] = []
    for place, row in enumerate(rows):
        parts += _bar(row, TOP + ROW * place, scale, left)
    bottom = TOP + ROW * len(rows)
    parts.append(f'<path class="axis" d="M{left} {TOP}V{bottom}"/>')
    parts.append(f'<text x="{left}" y="{bottom + 18}">share of how differently trials rank (%)</text>')
    told = "; ".join(f"{row.name} {_percent(row)}" for row in rows)
    box = f'viewBox="0 0 {width} {bottom + BOTTOM}" role="img" aria-label="Importance: {escape(printable(told))}"'
    return f'<svg class="chart-svg only-{look}" {box}>{"".join(parts)}</svg>'


def _bar(row: Important, top: float, scale: float, left: int) -> Iterator[str]:
    wide, low, high = (max(0.0, value) * scale for value in (row.share, row.low, row.high))
    y = top + ROW / 2
    letters = int((left - 8) / 7.6)
    name = printable(row.name)
    name = name if len(name) <= letters else "…" + name[1 - letters :]
    yield f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>'
    yield f'<path class="bar whole" d="M{left} {y - 7:.1f}h{wide:.1f}v14h-{wide:.1f}z"/>'
    start, end = left + low, left + high
    yield f'<path class="whisker" d="M{start:.1f} {y:.1f}H{end:.1f}m0-4v8M{start:.1f} {y - 4:.1f}v8"/>'
    yield f'<text x="{left + max(wide, high) + 6:.1f}" y="{y + 4:.0f}">{100 * max(0.0, row.share):.0f} %</text>'


def _percent(row: Important) -> str:
    low, middle, high = (100 * max(0.0, value) for value in (row.low, row.share, row.high))
    return f"{middle:.0f} % ({low:.0f} to {high:.0f} %)"


def rank_correlations(record: SweepRecord) -> dict[str, float]:
    """Numeric parameter -> absolute rank correlation with the value, over the trials that have both."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for trial in record.trials:
        for name, setting in trial.config.items():
            if trial.value is not None and type(setting) in (int, float):
                pairs.setdefault(name, []).append((float(setting or 0), trial.value))
    return {name: _correlation(np.array(rows)) for name, rows in pairs.items() if len(rows) >= TRIALS_NEEDED}


def _correlation(rows: npt.NDArray[np.float64]) -> float:
    ranks = np.stack([_ranks(rows[:, 0]), _ranks(rows[:, 1])])
    if (ranks.std(axis=1) == 0).any():
        return 0.0
    return float(np.abs(np.asarray(np.corrcoef(ranks))[0, 1]))


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Equals share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], np.float64)
