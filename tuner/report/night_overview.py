"""All nights of a long history in one strip, under the chart of the last ones."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.records.night import IMPROVED, REGRESSED
from tuner.report.night_axes import LETTER, Panel, drawable, padded
from tuner.report.night_chart import PREFIX
from tuner.report.night_history import Point
from tuner.report.night_layout import NARROW, WIDE, Size
from tuner.report.page_sections import escape
from tuner.report.verdict_style import NIGHT_STYLES, SHAPES
from tuner.report.wording import count, printable

HEIGHT, FRAME = 92, 58
TELLING = (REGRESSED, IMPROVED)


def overview(points: Sequence[Point], detail: int) -> str:
    """The figure; the last `detail` nights are shaded."""
    values = sorted(p.control for p in points if p.control is not None and drawable(p.control))
    if not values:
        return ""
    return f'<figure class="nights">{_svg(points, detail, values, WIDE)}{_svg(points, detail, values, NARROW)}</figure>'


def _svg(points: Sequence[Point], detail: int, values: Sequence[float], size: Size) -> str:
    spare = len(values) // 100  # one night in a hundred at either end does not flatten the others
    low, high = padded(values[spare], values[-1 - spare])
    right = size.width - size.right
    panel = Panel(size.left, right, 6, 6 + FRAME, low, high, -0.5, len(points) - 0.5)
    shade = panel.x(len(points) - detail - 0.5)
    moves, pen_key = "", None
    for place, point in enumerate(points):
        if point.control is not None:
            moves += f"{'L' if pen_key == point.night.key else 'M'}{panel.x(place):.1f} {panel.y(point.control):.1f}"
            pen_key = point.night.key
    parts = [
        f'<rect class="frame" x="{size.left}" y="6" width="{right - size.left}" height="{FRAME}"/>',
        f'<rect class="detail" x="{shade:.1f}" y="6" width="{right - shade:.1f}" height="{FRAME}"/>',
        *panel.grid(),
        f'<path class="line control" d="{moves}"/>',
    ]
    for place, point in enumerate(points):
        if point.night.verdict in TELLING and point.control is not None:
            look = f"{PREFIX}{list(NIGHT_STYLES).index(point.night.verdict)}"
            shape = SHAPES[NIGHT_STYLES[point.night.verdict].shape]
            move = f"translate({panel.x(place) - 3.5:.1f} {panel.y(point.control) - 3.5:.1f}) scale(.7)"
            parts.append(f'<path class="mark {look}" d="{shape}" transform="{move}"/>')
    for place, anchor in ((0, "start"), (len(points) - 1, "end")):
        date = printable(points[place].night.date)[:10]
        x = size.left if anchor == "start" else max(right, size.left + 2 * LETTER * len(date))
        parts.append(f'<text x="{x:.0f}" y="{6 + FRAME + 18}" text-anchor="{anchor}">{escape(date)}</text>')
    told = f"The control over all {count(len(points), 'night')}, the last {detail} shaded"
    box = f'viewBox="0 0 {size.width} {HEIGHT}" role="img" aria-label="{escape(told)}"'
    return f'<svg class="{size.name}" {box}>{"".join(parts)}</svg>'
