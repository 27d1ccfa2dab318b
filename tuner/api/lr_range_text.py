"""A learning-rate range test for a person: the ramp as a line of blocks, what each rate came to, what to write."""

from __future__ import annotations

import math

from tuner.api.lr_range import LrRange, Tried
from tuner.report.sparkline import sparkline

WIDTH = 60


def lr_range_text(found: LrRange) -> str:
    """Plain text, some fifteen lines."""
    ramp, seeds = found.ramp, "one seed" if found.seeds == 1 else f"median of {found.seeds} seeds"
    finite = [loss for loss in ramp.losses if math.isfinite(loss)]
    lowest = min(finite, default=math.nan)
    rows = [
        f"{found.parameter} rising over {found.iterations} iterations, {seeds} (× diverged)",
        f"  {ramp.rates[0]:g} {sparkline(ramp.losses, WIDTH)} {ramp.rates[-1]:g}",
        f"  loss {ramp.start:.4g} at first, {lowest:.4g} at its lowest",
    ]
    if ramp.steepest is not None:
        rows.append(f"  falls fastest at {ramp.steepest:.2g}")
    if ramp.edge is not None:
        rows.append(f"  rises again above {ramp.edge:.2g}, of which a tenth is {ramp.edge / 10:.2g}")
    if found.tried:
        rows.append(f"{found.iterations} iterations at each rate, {seeds}")
        rows += [_row(one, one.rate == found.suggested) for one in found.tried]
    if found.suggested is not None:
        rows += [f"suggested  {found.suggested:g}", f"range      {found.written}"]
    return "\n".join([*rows, f"note       {found.says}"])


def _row(one: Tried, suggested: bool) -> str:
    if not math.isfinite(one.loss):
        return f"  {one.rate:<8g} diverged"
    mark = "  <- drops furthest" if suggested else ""
    return f"  {one.rate:<8g} loss {one.loss:<8.4g} dropped by {one.drop:.3g}{mark}"
