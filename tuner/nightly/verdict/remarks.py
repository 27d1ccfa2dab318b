"""What is otherwise than in the comparable nights without making a verdict: symptoms, failures, speed, cost.

Shares are compared by Fisher's exact test at a level divided by the number of diagnoses that are looked at. Times have
no such test: one is remarked on when it is slower than in all of the last nights and by more than a fifth, and by four
of their noise widths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.noise import noise_width
from tuner.nightly.verdict.wording import counted, of
from tuner.records.counts import chance_of_more

LEVEL = 0.002
"""Of remarks of one kind in quiet nights, were trials independent of each other."""
NIGHTS = 3
"""Fewer are not compared with."""
SLOWER, WIDTHS = 0.2, 4.0
QUIET = ("healthy", "unknown")
"""Diagnoses that are no news."""


def remarks(tonight: Figures, nights: Sequence[Figures]) -> tuple[str, ...]:
    """`nights`: the comparable ones that are looked at."""
    if len(nights) < NIGHTS:
        return ()
    found = [*_symptoms(tonight, nights), _failures(tonight, nights)]
    found.append(_slower("a control's epoch took", "s", tonight.seconds_per_epoch, _seconds(nights)))
    found.append(_slower("the night trained for", "s", tonight.training_seconds, _costs(nights)))
    return tuple(remark for remark in found if remark)


def _symptoms(tonight: Figures, nights: Sequence[Figures]) -> list[str]:
    judged, before = sum(tonight.verdicts.values()), sum(sum(night.verdicts.values()) for night in nights)
    asked = [name for name in sorted(tonight.verdicts) if name not in QUIET]
    found = []
    for name in asked:
        hits, usual = tonight.verdicts[name], sum(night.verdicts.get(name, 0) for night in nights)
        if chance_of_more(hits, judged, usual, before) <= LEVEL / len(asked):
            text = f"more {name.replace('_', ' ')} than in the last {counted(len(nights), 'night')}"
            found.append(f"{text}: {of(hits, judged)} trials, before {of(usual, before)}")
    return found


def _failures(tonight: Figures, nights: Sequence[Figures]) -> str:
    failed, trials = sum(night.failed for night in nights), sum(night.trials for night in nights)
    if chance_of_more(tonight.failed, tonight.trials, failed, trials) > LEVEL:
        return ""
    return f"more trials failed than usual: {of(tonight.failed, tonight.trials)}, before {of(failed, trials)}"


def _seconds(nights: Sequence[Figures]) -> list[float]:
    return [night.seconds_per_epoch for night in nights if night.seconds_per_epoch is not None]


def _costs(nights: Sequence[Figures]) -> list[float]:
    return [night.training_seconds for night in nights if night.training_seconds > 0]


def _slower(what: str, unit: str, tonight: float | None, before: list[float]) -> str:
    if tonight is None or len(before) < NIGHTS:
        return ""
    usual, width = float(np.median(before)), noise_width([np.array(before)]) or 0.0
    if tonight <= max(max(before), (1 + SLOWER) * usual, usual + WIDTHS * width):
        return ""
    return f"{what} {tonight:.3g} {unit}, {100 * (tonight / usual - 1):.0f} % more than the usual {usual:.3g}"
