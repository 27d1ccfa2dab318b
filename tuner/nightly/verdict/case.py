"""Tonight's controls beside the reference: everything that is known before something is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.nightly.verdict.chances import Chances, chances, strays
from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.history import ENOUGH, History, agree, history, repeat
from tuner.nightly.verdict.levels import Levels, levels
from tuner.nightly.verdict.ranks import Values, centre, just_larger, shift_interval
from tuner.nightly.verdict.wording import Scale
from tuner.records.night import IMPROVED, OK, REGRESSED

MATTERS = 0.25
"""Noise widths, where the user names no smallest change: less is nothing that one more training would show, whatever
a comparison seed by seed can resolve."""


@dataclass(frozen=True, slots=True)
class Case:
    tonight: Figures
    past: History
    levels: Levels
    ours: Values
    """Badness of tonight's controls."""
    worse: Chances
    better: Chances
    effect: float
    """How much worse than the reference."""
    drifted: float
    """How much worse the last good nights with tonight are than the accepted night and those that followed it."""
    matters: float
    """The smallest change that counts."""
    named: bool
    """The user named it."""
    scale: Scale

    @classmethod
    def of(cls, tonight: Figures, reference: Figures, nights: Sequence[Figures], rules: JudgeRules) -> Case:
        past = history(reference, nights, rules)
        ours = past.badness(tonight.controls)
        middle = centre(past.reference)
        late = past.units([*past.late, tonight])
        worse, better = chances(tonight, past, ours, late)
        matters = _matters(rules, middle, past.noise)
        return cls(
            tonight=tonight,
            past=past,
            levels=levels(rules.false_alarms),
            ours=ours,
            worse=worse,
            better=better,
            effect=less(centre(ours), middle),
            drifted=less(centre(late), centre(past.early)),
            matters=matters,
            named=rules.minimum_effect is not None or rules.minimum_share is not None,
            scale=Scale.of(rules.metric, past.noise),
        )

    @property
    def all_seeds(self) -> bool:
        return len(self.ours) >= ENOUGH

    @property
    def strays(self) -> bool:
        return strays(self.tonight, self.past)

    @property
    def repeats(self) -> Figures | None:
        """The latest night called OK, or the accepted one, that tonight's controls repeat bit for bit."""
        for night in reversed(self.past.good):
            if (night.verdict == OK or night is self.past.good[0]) and agree(night.controls, self.tonight.controls):
                return night
        return None

    def whole(self) -> Case:
        """With the seeds besides that the nights had which tonight repeats: they would come out again as they did."""
        known: dict[int, float] = {}
        for night in (*self.past.good, self.tonight):
            if repeat(night, self.tonight):
                known |= night.controls
        ours = self.past.badness(known)
        return replace(self, ours=ours, effect=less(centre(ours), centre(self.past.reference)))

    @property
    def threshold(self) -> float:
        """The effect that tonight's values would need to be called worse, the others as they are."""
        lacking = just_larger(self.ours, self.past.reference, self.levels.controls)
        return max(self.matters, self.effect + lacking) if math.isfinite(self.effect + lacking) else math.inf

    @property
    def interval(self) -> tuple[float, float] | None:
        low, high = shift_interval(self.ours, self.past.reference, 0.025)
        return (min(low, self.effect), max(high, self.effect)) if not math.isnan(self.effect) else None

    def counts(self, effect: float, direction: float) -> bool:
        return direction * effect >= self.matters and effect != 0

    def says(self, direction: float) -> Chances:
        return self.worse if direction > 0 else self.better


def looks_unusual(case: Case, state: str | None) -> bool:
    """Of the first seeds: not enough to say it, enough to train the further ones."""
    for direction in (1.0, -1.0):
        said = case.says(direction)
        if case.counts(case.effect, direction) and said.controls <= case.levels.look:
            return True
        if case.counts(case.drifted, direction) and said.drift <= case.levels.drift:
            return True
        if case.counts(case.effect, direction) and said.paired <= case.levels.look / 2:
            return True
    return state in (REGRESSED, IMPROVED)  # neither ends by three lucky seeds


def less(one: float, other: float) -> float:
    """one − other, 0 for two infinities."""
    return 0.0 if one == other else one - other


def _matters(rules: JudgeRules, middle: float, noise: float | None) -> float:
    named = [rules.minimum_effect or 0.0]
    if rules.minimum_share is not None and math.isfinite(middle):
        named.append(rules.minimum_share * abs(middle))
    if rules.minimum_effect is None and rules.minimum_share is None:
        named.append(MATTERS * (noise or 0.0))
    return max(named)
