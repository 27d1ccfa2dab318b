"""Diverges above: the fraction that diverges rises with the learning rate.

Question  Above which learning rate do trials diverge?
Formula   the cut c between neighbouring learning rates that puts the most trials on their own side (diverged above,
          not diverged below); p = chance of so many diverged above c, were c of no influence (hypergeometric).
Units     c: learning rate; p: probability.
Hit       MOST of the trials above c diverged, LEAST or fewer below, with at least FEW above, and p below CHANCE.
Source    TUM §VI; Google's tuning playbook: all trials above a value infeasible.
"""

from __future__ import annotations

import math

from tuner.diagnosis.sweep.placing import place
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import ParameterRecord, SweepRecord, TrialRecord

NAMES = ("lr", "learning_rate")
MOST = 0.6
LEAST = 0.25
FEW = 3
CHANCE = 0.02


def find(record: SweepRecord) -> list[Finding]:
    return [
        finding
        for parameter in record.parameters
        if parameter.name.rsplit(".", 1)[-1] in NAMES and parameter.kind == "float"
        for finding in _of(parameter, record)
    ]


def is_diverged(trial: TrialRecord) -> bool:
    return trial.verdict == "diverged"


def _of(parameter: ParameterRecord, record: SweepRecord) -> list[Finding]:
    judged = [t for t in record.trials if parameter.name in t.config and t.diagnosis and t.epochs]
    points = sorted(
        (where, is_diverged(t), float(t.config[parameter.name] or 0))
        for t in judged
        if (where := place(parameter, t.config[parameter.name])) is not None
    )
    total, lost = len(points), sum(bad for _, bad, _ in points)
    if total < 8 or lost < FEW:
        return []
    best, cut = -1, 0
    for i in range(1, total):
        right = sum(bad for _, bad, _ in points[i:]) + sum(not bad for _, bad, _ in points[:i])
        if right > best:
            best, cut = right, i
    above = total - cut
    lost_above = sum(bad for _, bad, _ in points[cut:])
    lost_below = lost - lost_above
    chance = _hypergeometric(lost_above, above, lost, total)
    if above < FEW or lost_above < MOST * above or lost_below > LEAST * cut or chance > CHANCE:
        return []
    value = float(f"{points[cut][2]:.2g}")
    return [
        Finding(
            "diverges_above",
            min(0.97, 1 - chance * 5),
            f"{lost_above} of {above} trials with {parameter.name} from {value:g} up diverged, "
            f"{lost_below} of {cut} below",
            evidence={
                "cut": value,
                "above": above,
                "lost_above": lost_above,
                "lost_below": lost_below,
                "chance": chance,
            },
            remedies=(
                Remedy(
                    f"space.{parameter.name}.high",
                    "what lies above is spent on trials that diverge",
                    "TUM §VI",
                    parameter.high,
                    value,
                ),
            ),
        )
    ]


def _hypergeometric(hits: int, drawn: int, marked: int, total: int) -> float:
    """Chance that `drawn` of `total` hold at least `hits` of the `marked` ones."""
    ways = sum(math.comb(marked, k) * math.comb(total - marked, drawn - k) for k in range(hits, min(drawn, marked) + 1))
    return ways / math.comb(total, drawn)
