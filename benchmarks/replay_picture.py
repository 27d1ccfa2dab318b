"""The replay's picture in SVG: regret over simulated time, a panel for each table and count of workers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np
from replay_scores import Array, Summary

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 220, 52, 34, 24
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#bcbd22", "#17becf", "#ff7f0e", "#3b3b98")
TIMES = (0.01, 0.1, 1.0)
"""Shares of the budget that are marked."""


def draw(told: Sequence[Summary]) -> str:
    """The picture as SVG text. Both axes are logarithmic; a band is the interval of 95 % of `default` and `random`."""
    tables = list(dict.fromkeys(one.group.table for one in told))
    counts = sorted({one.group.workers for one in told})
    methods = list(dict.fromkeys(one.group.method for one in told))
    colours = {"random": "#888888", "default": "#000000"}
    others = [name for name in methods if name not in colours]
    colours |= {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(others)}
    width = LEFT + len(counts) * (WIDTH + GAP) + 210
    height = TOP + len(tables) * (HEIGHT + GAP + TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for row, table in enumerate(tables):
        for column, workers in enumerate(counts):
            panel = [one for one in told if (one.group.table, one.group.workers) == (table, workers)]
            if panel:
                at = f"translate({LEFT + column * (WIDTH + GAP)} {TOP + row * (HEIGHT + GAP + TOP)})"
                parts += [f'<g transform="{at}">', *_panel(panel, colours), "</g>"]
    for place, name in enumerate(methods):
        y = TOP + 16 * place
        x = width - 195
        parts.append(f'<path d="M{x} {y}h22" stroke="{colours[name]}" stroke-width="{_thick(name)}"/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Sequence[Summary], colours: dict[str, str]) -> list[str]:
    first = panel[0]
    values = np.concatenate([one.curve[0] for one in panel])
    low, high = math.log10(values.min()) - 0.05, math.log10(values.max()) + 0.05
    start = math.log10(first.shares[0])

    def x(share: float) -> float:
        return round((math.log10(share) - start) / -start * WIDTH, 1)

    def y(regret: float) -> float:
        return round((high - min(max(math.log10(regret), low), high)) / (high - low) * HEIGHT, 1)

    def line(shares: Array, regrets: Array) -> str:
        return "L".join(f"{x(s)} {y(r)}" for s, r in zip(shares, regrets, strict=True))

    workers = first.group.workers
    parts = [
        f'<text x="0" y="-8" font-weight="bold">{escape(first.group.table)}, '
        f"{workers} {'worker' if workers == 1 else 'workers'}</text>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>',
        f'<text transform="translate(-40 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">normalised regret</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT + 28}" text-anchor="middle">simulated time, share of the budget</text>',
    ]
    parts += [f'<text x="{x(share)}" y="{HEIGHT + 14}" text-anchor="middle">{share:g}</text>' for share in TIMES]
    for tick in _ticks(10**low, 10**high):
        parts.append(f'<path d="M0 {y(tick)}h{WIDTH}" stroke="#eee"/>')
        parts.append(f'<text x="-4" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for one in sorted(panel, key=lambda one: one.group.method in ("default", "random")):
        name = one.group.method
        if name in ("default", "random"):
            band = f"M{line(one.shares, one.curve[1])}L{line(one.shares[::-1], one.curve[2][::-1])}Z"
            parts.append(f'<path d="{band}" fill="{colours[name]}" opacity="0.15"/>')
        path = f"M{line(one.shares, one.curve[0])}"
        parts.append(f'<path d="{path}" fill="none" stroke="{colours[name]}" stroke-width="{_thick(name)}"/>')
    return parts


def _thick(name: str) -> float:
    return 2.5 if name in ("default", "random") else 1.2


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        value for decade in decades for step in (1, 2, 5) if low <= (value := round(step * 10.0**decade, 9)) <= high
    ]
