"""The corner of a space that does not fit: the size, and its value, from which trials run out of memory.

A size is a whole-number parameter (a choice of whole numbers too) or a product of up to three of them: what a step
keeps grows with batch_size × width × depth. Every size is cut where the most trials lie on their own side; the size
that leaves the fewest on the wrong one is the corner's, of equal ones that with the fewest factors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.diagnosis.case import BATCH, DEPTH, WIDTH
from tuner.diagnosis.sweep.placing import best_cut, hypergeometric, number, short
from tuner.records.trial import ParameterRecord, TrialRecord

NAMES = BATCH + WIDTH + DEPTH + ("heads", "d_model", "length", "context", "resolution", "image_size", "embedding")
"""Those that are known to be sizes; the other whole numbers are asked only where these separate nothing."""
FACTORS = 3


@dataclass(frozen=True)
class Corner:
    """From `failed_from` up, trials run out of memory."""

    factors: tuple[ParameterRecord, ...]
    fits: float
    """The largest size below the cut that was trained."""
    failed_from: float
    """The smallest size above it that ran out of memory."""
    above: int
    failed_above: int
    below: int
    failed_below: int
    chance: float
    """Of so many failures above the cut, were size of no influence, times the sizes that were tried."""

    @property
    def name(self) -> str:
        """`batch_size × model.mlp.width`."""
        return " × ".join(item.name for item in self.factors)


def corner_of(
    failed: Sequence[TrialRecord], fitted: Sequence[TrialRecord], parameters: Sequence[ParameterRecord]
) -> Corner | None:
    """The best of the known sizes where it separates anything; else of all whole numbers, two factors at most."""
    whole = sorted((p for p in parameters if whole_values(p)), key=_known_first)
    known = [p for p in whole if short(p) in NAMES]
    return _best(_products(known, FACTORS), failed, fitted) or _best(_products(whole, 2), failed, fitted)


def whole_values(parameter: ParameterRecord) -> tuple[int, ...]:
    """The ends of its range, or its options in rising order; empty where they are not whole numbers above 0."""
    ends = (parameter.low, parameter.high) if parameter.kind == "int" else parameter.options
    numbers = [value for end in ends if (value := number(end)) is not None and value >= 1 and value == int(value)]
    return tuple(sorted({int(value) for value in numbers})) if len(numbers) == len(ends) > 1 else ()


def size(trial: TrialRecord, factors: Sequence[ParameterRecord]) -> float | None:
    """None where one of them is not active in the trial."""
    values = [number(trial.config.get(item.name)) for item in factors]
    return math.prod(value for value in values if value is not None) if None not in values else None


def _known_first(parameter: ParameterRecord) -> tuple[int, str]:
    return NAMES.index(short(parameter)) if short(parameter) in NAMES else len(NAMES), parameter.name


def _products(parameters: Sequence[ParameterRecord], most: int) -> list[tuple[ParameterRecord, ...]]:
    """Fewest factors first; without those that can never be active together."""
    found = (one for n in range(1, most + 1) for one in itertools.combinations(parameters, n))
    return [one for one in found if _together(one)]


def _together(factors: Sequence[ParameterRecord]) -> bool:
    branches: dict[str, object] = {}
    return all(
        branches.setdefault(item.parent, item.parent_value) == item.parent_value
        for item in factors
        if item.parent is not None
    )


def _best(
    sizes: Sequence[tuple[ParameterRecord, ...]], failed: Sequence[TrialRecord], fitted: Sequence[TrialRecord]
) -> Corner | None:
    cuts = [found for factors in sizes if (found := _cut(factors, failed, fitted, len(sizes))) is not None]
    elsewhere = len(failed)
    return min(cuts, key=lambda c: c.above - c.failed_above + elsewhere - c.failed_above, default=None)


def _cut(
    factors: tuple[ParameterRecord, ...], failed: Sequence[TrialRecord], fitted: Sequence[TrialRecord], tests: int
) -> Corner | None:
    marked = [(value, True) for t in failed if (value := size(t, factors)) is not None]
    points = sorted([*marked, *((value, False) for t in fitted if (value := size(t, factors)) is not None)])
    total, lost = len(points), len(marked)
    cut = best_cut([value for value, _ in points], [bad for _, bad in points])
    below, above = points[:cut], points[cut:]
    fits = [value for value, bad in below if not bad]
    gone = [value for value, bad in above if bad]
    if not fits or not gone:
        return None
    chance = hypergeometric(len(gone), len(above), lost, total)
    return Corner(
        factors, max(fits), min(gone), len(above), len(gone), len(below), lost - len(gone), min(1.0, tests * chance)
    )
