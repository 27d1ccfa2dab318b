"""Within noise: the best configurations differ by less than two seeds of one of them do.

Question  Is the winner the better configuration, or did it have the better seeds?
Formula   t = (mean of the other − mean of the best) / √(s²/n + r²/m), s and r the moderated deviations of one seed of
          either (`records/seeds.py`); tied is each whose t stays below Student's one-sided 95 % point.
Units     s: of the metric; t: none.
Hit       one other or more is tied with the best. Without further seeds
          (`search.repeats`, `search.finalists`) nothing is said: what one seed would have changed cannot be seen in a
          single curve, whose noise between epochs is another.
Cheapest  of the tied, by weights where they differ by a tenth or more, else by seconds an epoch.
Source    Smyth (2004), moderated t; Bouthillier et al. (2021), Accounting for variance in machine learning
          benchmarks.
"""

from __future__ import annotations

import math

from tuner.records.finding import Finding, Remedy
from tuner.records.seeds import OverSeeds, SeedNoise, moderated, over_seeds, student
from tuner.records.trial import SweepRecord, TrialRecord

SURE = 0.95
CHEAPER = 0.9
SOURCE = "Bouthillier et al. (2021)"


def find(record: SweepRecord) -> list[Finding]:
    able = [one for one in over_seeds(record) if one.whole and one.mean is not None]
    noise = moderated([one.values for one in able])
    if len(able) < 2 or noise is None:
        return []
    best, *others = able
    distances = [_distance(best, other, noise[0], mine) for other, mine in zip(others, noise[1:], strict=True)]
    tied = [other for other, distance in zip(others, distances, strict=True) if distance < 1]
    spread = noise[0].deviation
    if not tied:
        return []
    names = ", ".join(one.trial.trial for one in (best, *tied))
    behind = max(abs((one.mean or 0.0) - (best.mean or 0.0)) for one in tied)
    cheapest, why = _cheapest([best, *tied])
    says = (
        f"{names} cannot be told apart: their means over seeds lie within {behind:.2g}, and one seed's standard "
        f"deviation is {spread:.2g}"
    )
    return [
        Finding(
            "within_noise",
            0.9 if distances[0] < 0.5 else 0.7,
            f"{says}; the cheapest is {cheapest.trial.trial}{why}",
            evidence={"tied": 1 + len(tied), "behind": behind, "deviation": spread},
            remedies=(
                Remedy(f"take trial {cheapest.trial.trial}", f"the cheapest of those that are tied{why}", SOURCE),
                Remedy("more seeds", _seeds(behind, spread), SOURCE),
            ),
        )
    ]


def _distance(best: OverSeeds, other: OverSeeds, mine: SeedNoise, its: SeedNoise) -> float:
    """t of the difference, over the t from which it counts; 0 where neither differs at all."""
    difference = abs((other.mean or 0.0) - (best.mean or 0.0))
    error = math.hypot(mine.deviation / math.sqrt(len(best.values)), its.deviation / math.sqrt(len(other.values)))
    if error == 0:
        return math.inf if difference > 0 else 0.0
    return difference / error / student(SURE, min(mine.freedom, its.freedom))


def _cheapest(tied: list[OverSeeds]) -> tuple[OverSeeds, str]:
    """The cheapest one and by what; the best one where none is cheaper to speak of."""
    best = tied[0]
    for of, unit, shown in ((_weights, "weights", ",.0f"), (_seconds, "s an epoch", ".3g")):
        costs = [of(one) for one in tied]
        known = [(cost, place) for place, cost in enumerate(costs) if cost]
        if len(known) < len(tied) or not known:
            continue
        low, place = min(known)
        if low < CHEAPER * max(cost for cost, _ in known):
            mine = known[0][0]
            against = "" if place == 0 else f" against {mine:{shown}} of the best mean's"
            return tied[place], f", with {low:{shown}} {unit}{against}"
    return best, ", as dear as the others"


def _weights(one: OverSeeds) -> float:
    facts = [t.facts for t in (one.trial, *one.trainings) if t.facts is not None]
    return float(next((f.n_parameters for f in facts if f.n_parameters), 0))


def _seconds(one: OverSeeds) -> float:
    epochs = [epoch.seconds for t in _distinct(one) for epoch in t.epochs]
    return math.fsum(epochs) / len(epochs) if epochs else 0.0


def _distinct(one: OverSeeds) -> list[TrialRecord]:
    return list({t.trial: t for t in (one.trial, *one.trainings)}.values())


def _seeds(behind: float, spread: float) -> str:
    """How many each would need, were the difference seen the true one."""
    if behind <= 0:
        return "their means are the same: no number of seeds is known to tell them apart"
    needed = math.ceil(2 * (2 * spread / behind) ** 2)
    return f"some {max(2, needed)} each would tell the means apart, if they differ by as much as it looks"
