"""How the chosen rate of false alarms is divided between the tests: their levels add up to it, so that quiet nights are
called REGRESSED at most so often, whichever test it is that errs (Bonferroni's inequality)."""

from __future__ import annotations

from dataclasses import dataclass

CONTROLS, DRIFT, PAIRED, BEST = 0.60, 0.25, 0.05, 0.10
"""Shares. All are one-sided; the other side's, for IMPROVED, are the same again."""


@dataclass(frozen=True, slots=True)
class Levels:
    """p-values up to which something is said."""

    controls: float
    drift: float
    paired: float
    best: float
    look: float
    """Of the first seeds, to either side: the further ones are trained."""
    stay: float
    """While what held before still holds."""
    doubt: float
    """Of all seeds: neither quiet nor sure, NOISY."""


def levels(false_alarms: float) -> Levels:
    return Levels(
        controls=CONTROLS * false_alarms,
        drift=DRIFT * false_alarms,
        paired=PAIRED * false_alarms,
        best=BEST * false_alarms,
        look=min(0.25, max(0.05, 10 * false_alarms)),
        stay=max(0.05, CONTROLS * false_alarms),
        doubt=min(0.1, 2 * false_alarms),
    )
