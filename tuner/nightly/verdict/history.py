"""The nights that tonight is compared with, as values that count as evidence: larger is worse, whatever the metric.

A seed that repeats itself bit for bit under the same code, data, packages and machine is one observation, however many
nights it was trained in: a *unit* is one seed in one run of nights that repeat each other, and its value that of the
latest of them. Nights repeat each other when their conditions are the same, or when they agree bit for bit in all
seeds that both have. This is the seed as a random effect, with nothing to be estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.noise import noise_width
from tuner.nightly.verdict.ranks import Values

ENOUGH = 6
"""Controls that make a night's seeds as good as whole: all are ten, and fewer than half may have been lost."""
FRESH = 30
"""Comparable nights after which the noise is measured anew."""


@dataclass(frozen=True, slots=True)
class History:
    """The reference and the comparable nights since it, as the tests want them."""

    sign: float
    """1 where less is better: badness is sign × value."""
    reference: Values
    """Units of the accepted night and of the last good nights."""
    early: Values
    """Units of the accepted night and of the good nights after it, as far as they are not in `late`."""
    late: tuple[Figures, ...]
    """The last good nights: with tonight's they would show a drift."""
    good: tuple[Figures, ...]
    """The accepted night, and the last good ones after it."""
    noise: float | None
    needs_floor: bool
    """No night with all seeds among the last ones."""

    def badness(self, controls: Mapping[int, float]) -> Values:
        return np.array([self.sign * controls[seed] for seed in sorted(controls)], dtype=float)

    def units(self, nights: Sequence[Figures]) -> Values:
        return _units(nights, self.sign)


def history(reference: Figures, nights: Sequence[Figures], rules: JudgeRules) -> History:
    sign = 1.0 if rules.mode == "min" else -1.0
    good = [night for night in nights if night.is_good and night.controls]
    last = good[-rules.window :]
    early = good[: len(good) - len(last)][: rules.window]
    recent = [one for one in nights if one.is_comparable and one.controls][-FRESH:]
    measured = any(len(one.controls) >= ENOUGH for one in recent)
    fresh = len(recent) < FRESH and len(reference.controls) >= ENOUGH
    floor = _measured([reference, *recent], sign)
    together = _units([reference, *last], sign)
    return History(
        sign=sign,
        reference=together,
        early=_units([reference, *early], sign),
        late=tuple(last),
        good=(reference, *last),
        noise=floor if floor is not None else noise_width([together]),
        needs_floor=not measured and not fresh,
    )


def repeat(one: Figures, other: Figures) -> bool:
    """Whether they are of the same conditions, or agree bit for bit as if they were."""
    return bool(one.conditions and one.conditions == other.conditions) or agree(one.controls, other.controls)


def agree(one: Mapping[int, float], other: Mapping[int, float]) -> bool:
    """Bit for bit in all seeds that both have, two at least."""
    common = 0
    for seed, value in one.items():
        theirs = other.get(seed)
        if theirs is not None:
            if theirs != value:
                return False
            common += 1
    return common > 1


def _units(nights: Sequence[Figures], sign: float) -> Values:
    found: dict[tuple[int, int], float] = {}
    for night, run in zip(nights, _runs(nights), strict=True):
        found.update({(run, seed): sign * value for seed, value in night.controls.items()})
    return np.array([found[key] for key in sorted(found)], dtype=float)


def _runs(nights: Sequence[Figures]) -> list[int]:
    """Of each night, the number of the first one that it repeats: its own where it repeats none."""
    conditions: dict[str, int] = {}
    seen: dict[tuple[int, float], int] = {}
    found: list[int] = []
    for number, night in enumerate(nights):
        run = conditions.get(night.conditions) if night.conditions else None
        if run is None:
            places = {seen[pair] for pair in night.controls.items() if pair in seen}
            run = next((i for i in sorted(places) if agree(night.controls, nights[i].controls)), None)
        run = number if run is None else found[run]
        found.append(run)
        conditions.setdefault(night.conditions, number)
        for pair in night.controls.items():
            seen.setdefault(pair, number)
    return found


def _measured(nights: Sequence[Figures], sign: float) -> float | None:
    """From nights with all seeds; those that repeat each other bit for bit once."""
    kept: list[Figures] = []
    for night in nights:
        if len(night.controls) >= ENOUGH and not any(agree(night.controls, other.controls) for other in kept):
            kept.append(night)
    return noise_width([np.array([sign * value for _, value in sorted(one.controls.items())]) for one in kept])
