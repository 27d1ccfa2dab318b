"""Best at boundary: the good trials crowd against a bound of a numeric parameter.

Question  Would the best value lie outside the range that was searched?
Formula   near = good trials (the best fifth, compared at equal epochs) in the outer fifth of the range, on the
          parameter's own (linear or log) axis; p = chance of that many, were the good trials spread as all trials are;
          q = chance of so high a rank correlation between score and place among the trials of that outer half, were
          there none: a searcher that learns crowds all its trials at the bound, and p alone would miss it.
Units     near: trials; p, q: probability.
Hit       two thirds of the good trials or more are near one bound, the best trial among them, and p or q below CHANCE.
          Bounds that nothing can pass (a dropout or a weight decay of 0, depth 1) are left alone. The range of a
          learning rate ends where `diverges_above` cuts it off: the rest may lie within an outer fifth of the whole.
          What `out_of_memory` holds down is not raised either.
          Where most of the good trials do not learn, luck ranks them, and only the learning rate is asked.
Source    Google's tuning playbook: widen the range when the good points sit at a bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tuner.diagnosis.sweep.diverges_above import ceilings
from tuner.diagnosis.sweep.out_of_memory import no_larger
from tuner.diagnosis.sweep.placing import LEARNING_RATES, at, at_least, of, short
from tuner.diagnosis.sweep.standing import Standing, correlation_chance, learnt_nothing, rank_correlation, standing
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import DOOMED, ParameterRecord, SweepRecord

OUTER = 0.2
MOST = 2 / 3
CHANCE = 0.02
FEW_IN_HALF = 12
"""Trials of the outer half from which a trend is read."""
WIDEN = 0.35
"""How far the bound moves, of the range's length."""


def find(record: SweepRecord) -> list[Finding]:
    stood, caps = standing(record), ceilings(record)
    closed = caps.keys() | no_larger(record)
    lucky = learnt_nothing(stood.good())
    return [
        finding
        for parameter in record.parameters
        if parameter.kind in ("float", "int")
        for upper in (False, True)
        if not (upper and parameter.name in closed) and (short(parameter) in LEARNING_RATES or not lucky)
        for finding in _side(replace(parameter, high=caps.get(parameter.name, parameter.high)), stood, upper)
    ]


def _side(parameter: ParameterRecord, stood: Standing, upper: bool) -> list[Finding]:
    bound = parameter.high if upper else parameter.low
    if bound is None or (not upper and (bound == 0 or (parameter.kind == "int" and bound == 1))):
        return []

    def depth(where: float) -> float:
        """0 at the bound, 1 at the other one."""
        return 1 - where if upper else where

    good = [depth(p) for t in stood.good() if (p := of(t, parameter)) is not None and p <= 1]
    placed = [
        (depth(p), float(score), t.ending)
        for t, score in zip(stood.trials, stood.score, strict=True)
        if (p := of(t, parameter)) is not None and p <= 1
    ]
    if len(good) < 4 or len(good) < MOST * len(stood.good()):
        return []
    count = sum(d <= OUTER for d in good)
    if count < MOST * len(good) or good[0] > OUTER:
        return []
    share = sum(d <= OUTER for d, _, _ in placed) / len(placed)
    chance = at_least(count, len(good), min(max(share, OUTER), 0.99))
    half = np.array([(d, score) for d, score, ending in placed if d <= 0.5 and ending != DOOMED])
    trend = (
        correlation_chance(rank_correlation(-half[:, 0], half[:, 1]), len(half)) if len(half) >= FEW_IN_HALF else 1.0
    )
    chance = min(chance, trend)
    if chance > CHANCE:
        return []
    new = at(parameter, 1 + WIDEN if upper else -WIDEN)
    if not upper and not parameter.log and new < 0 <= bound:
        new = 0.0
    if new == bound:
        return []
    side = "upper" if upper else "lower"
    return [
        Finding(
            "best_at_boundary",
            min(0.97, 1 - chance * 5),
            f"{count} of the best {len(good)} trials lie in the outer fifth of {parameter.name}, at its {side} "
            f"bound {bound:g}",
            evidence={"near": count, "good": len(good), "chance": chance},
            remedies=(
                Remedy(
                    f"space.{parameter.name}.{'high' if upper else 'low'}",
                    f"{count} of the best {len(good)} trials lie at the bound {bound:g}: the best value may lie beyond",
                    "Google's tuning playbook",
                    bound,
                    new,
                ),
            ),
        )
    ]
