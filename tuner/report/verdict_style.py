"""How each verdict is drawn: colour, dash and marker together, so that none of them has to be told apart alone.

The colours are Okabe and Ito's, which colour-blind people can tell apart, darkened for white and lightened for dark
paper until a thin line stands out (3:1 at least). Families of symptoms share a hue: overfitting and memorisation are
reds, what has not learnt enough is blue, what has not learnt at all purple, what was unstable or diverged magenta.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuner.records.finding import HEALTHY, UNKNOWN
from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, OK, REGRESSED, SKIPPED

SHAPES = {
    "circle": "M5 1A4 4 0 1 1 5 9A4 4 0 1 1 5 1Z",
    "ring": "M5 1A4 4 0 1 1 5 9A4 4 0 1 1 5 1ZM5 2.6A2.4 2.4 0 1 0 5 7.4A2.4 2.4 0 1 0 5 2.6Z",
    "up": "M5 .8L9.4 8.8H.6Z",
    "down": "M.6 1.2H9.4L5 9.2Z",
    "square": "M1.3 1.3H8.7V8.7H1.3Z",
    "diamond": "M5 .3L9.7 5L5 9.7L.3 5Z",
    "cross": "M1 2.4L2.4 1L5 3.6L7.6 1L9 2.4L6.4 5L9 7.6L7.6 9L5 6.4L2.4 9L1 7.6L3.6 5Z",
    "plus": "M4 .8H6V4H9.2V6H6V9.2H4V6H.8V4H4Z",
    "star": "M5 .4L6.2 3.6L9.6 3.7L6.9 5.8L7.9 9.1L5 7.2L2.1 9.1L3.1 5.8L.4 3.7L3.8 3.6Z",
    "bow": "M.6 1H9.4L5 5L9.4 9H.6L5 5Z",
    "bar": "M.6 3.4H9.4V6.6H.6Z",
}
"""SVG paths in a box of 10 by 10."""

SOLID: tuple[int, ...] = ()
DASHED, DOTTED, DASH_DOT, LONG = (6, 3), (2, 2), (7, 3, 2, 3), (11, 4)


@dataclass(frozen=True, slots=True)
class VerdictStyle:
    light: str
    """Colour on white paper; `dark` the one on a dark screen."""
    dark: str
    dash: tuple[int, ...]
    """Lengths of ink and gap in pixels; empty for a solid line."""
    shape: str
    """A key of SHAPES."""


_GREEN, _GREY = ("#00795a", "#2fc79a"), ("#767676", "#9a9a9a")
_RED, _ORANGE = ("#c04400", "#ff8a4a"), ("#a86a00", "#f0b23c")
_BLUE, _SKY = ("#0067a8", "#5aaef0"), ("#1b86c0", "#8fd3ff")
_PURPLE, _MAGENTA = ("#6c4bb4", "#b9a1ff"), ("#b0337f", "#f490c8")

STYLES = {
    HEALTHY: VerdictStyle(*_GREEN, SOLID, "circle"),
    UNKNOWN: VerdictStyle(*_GREY, SOLID, "ring"),
    "overfitting": VerdictStyle(*_RED, DASHED, "up"),
    "memorisation": VerdictStyle(*_ORANGE, DASH_DOT, "diamond"),
    "undertrained": VerdictStyle(*_SKY, DOTTED, "down"),
    "underfitting": VerdictStyle(*_BLUE, LONG, "square"),
    "diverged": VerdictStyle(*_MAGENTA, DASHED, "cross"),
    "unstable": VerdictStyle(*_MAGENTA, DOTTED, "star"),
    "not_learning": VerdictStyle(*_PURPLE, DASH_DOT, "bar"),
    "slow_learning": VerdictStyle(*_PURPLE, DOTTED, "bow"),
    "plateau": VerdictStyle(*_PURPLE, LONG, "bar"),
    "noisy_validation": VerdictStyle(*_ORANGE, DASHED, "star"),
}
NIGHT_STYLES = {
    OK: VerdictStyle(*_GREEN, SOLID, "circle"),
    REGRESSED: VerdictStyle(*_RED, SOLID, "cross"),
    IMPROVED: VerdictStyle(*_BLUE, SOLID, "star"),
    NOISY: VerdictStyle(*_ORANGE, SOLID, "ring"),
    INCOMPLETE: VerdictStyle(*_PURPLE, SOLID, "bow"),
    SKIPPED: VerdictStyle(*_GREY, SOLID, "bar"),
}
"""Of a night's verdict."""
_OTHERS = tuple(
    VerdictStyle(*hue, dash, shape)
    for dash, shape in ((LONG, "plus"), (DASH_DOT, "bow"), (DASHED, "down"), (DOTTED, "diamond"))
    for hue in (_ORANGE, _BLUE, _PURPLE, _RED)
)


def styles(verdicts: list[str]) -> dict[str, VerdictStyle]:
    """A style for each; those without one of their own share what is left, in the order of their names."""
    others = sorted(set(verdicts) - STYLES.keys())
    spare = {verdict: _OTHERS[place % len(_OTHERS)] for place, verdict in enumerate(others)}
    return {verdict: STYLES.get(verdict) or spare[verdict] for verdict in verdicts}
