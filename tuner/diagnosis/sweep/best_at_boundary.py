"""Best at boundary: the good trials crowd against a bound of a numeric parameter.

Question  Would the best value lie outside the range that was searched?
Formula   near = good trials in the outer fifth of the range, on the parameter's own (linear or log) axis;
          p = chance of that many, were the good trials spread as all trials are.
Units     near: trials; p: probability.
Hit       two thirds of the good trials or more are near one bound, the best trial among them, and p below CHANCE.
          Bounds that nothing can pass (a dropout or a weight decay of 0, depth 1) are left alone.
Source    Google's tuning playbook: widen the range when the good points sit at a bound.
"""

from __future__ import annotations

from tuner.diagnosis.sweep.placing import at, at_least, good_trials, place
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import ParameterRecord, SweepRecord

OUTER = 0.2
MOST = 2 / 3
CHANCE = 0.02
WIDEN = 0.35
"""How far the bound moves, of the range's length."""


def find(record: SweepRecord) -> list[Finding]:
    good = good_trials(record)
    findings = []
    for parameter in record.parameters:
        if parameter.kind not in ("float", "int"):
            continue
        placed = [place(parameter, t.config[parameter.name]) for t in good if parameter.name in t.config]
        everywhere = [place(parameter, t.config[parameter.name]) for t in record.trials if parameter.name in t.config]
        values, all_values = [p for p in placed if p is not None], [p for p in everywhere if p is not None]
        if len(values) < 4 or not good or parameter.name not in good[0].config:
            continue
        for upper in (False, True):
            findings += _side(parameter, values, all_values, upper)
    return findings


def _side(parameter: ParameterRecord, good: list[float], everywhere: list[float], upper: bool) -> list[Finding]:
    bound = parameter.high if upper else parameter.low
    if not upper and (bound == 0 or (parameter.kind == "int" and bound == 1)):
        return []

    def near(value: float) -> bool:
        return value >= 1 - OUTER if upper else value <= OUTER

    count, share = sum(map(near, good)), sum(map(near, everywhere)) / len(everywhere)
    chance = at_least(count, len(good), min(max(share, OUTER), 0.99))
    if count < MOST * len(good) or not near(good[0]) or chance > CHANCE:
        return []
    new = at(parameter, 1 + WIDEN if upper else -WIDEN)
    if not upper and not parameter.log and new < 0 <= (bound or 0):
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
                    "the best value may lie beyond the bound",
                    "Google's tuning playbook",
                    bound,
                    new,
                ),
            ),
        )
    ]
