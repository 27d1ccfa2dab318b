"""What a night has used of its hours, over all drivers that it had."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.records.journal import Line


def seconds_spent(lines: Sequence[Line]) -> float:
    """Wall seconds from each driver's first line to its last; what lay between two drivers is not counted."""
    total, began, last = 0.0, None, None
    for line in lines:
        if line["kind"] == "driver":
            if began is not None and last is not None:
                total += max(0.0, last - began)
            began = line["at"]
        last = line["at"]
    if began is not None and last is not None:
        total += max(0.0, last - began)
    return total
