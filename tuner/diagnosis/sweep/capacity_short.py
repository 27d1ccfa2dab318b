"""Capacity short: small models level off far above what larger ones of the same sweep reach.

Question  Does the lower end of depth or width hold models that cannot learn the task?
Formula   of the trials that trained to the end, those with the smallest and with the largest third of the parameter's
          values; in each the better half by training loss, since a bad learning rate spoils any size; gap = (median
          of the small ones - median of the large ones) / (baseline - lowest), of training losses;
          p = chance that the small ones all came out so high, were size of no influence (Mann-Whitney).
Units     gap: share of the way from the lowest training loss to the baseline's (or the highest first loss).
Hit       FEW trials or more in each half-group, none of the small ones below the large ones' median, gap of GAP or
          more, p below CHANCE, and the small ones have levelled off: the last quarter brought less than FLAT of
          their fall.
          Pruned trials are left out: they had no time to level off.
Source    TUM §VI; Boudart, course 2 §4.2: more capacity where training loss stays high.
"""

from __future__ import annotations

import math

import numpy as np

from tuner.diagnosis.sweep.placing import number, of, short
from tuner.diagnosis.sweep.standing import at_epochs, ranks
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import COMPLETED, ParameterRecord, SweepRecord, TrialRecord

NAMES = ("depth", "width", "blocks", "layers", "hidden", "hidden_size", "units", "channels", "heads", "d_model")
FEW = 4
GAP = 0.1
CHANCE = 0.01
FLAT = 0.1


def find(record: SweepRecord) -> list[Finding]:
    return [
        finding
        for parameter in record.parameters
        if short(parameter) in NAMES and parameter.kind in ("float", "int")
        for finding in _of(parameter, record)
    ]


def _of(parameter: ParameterRecord, record: SweepRecord) -> list[Finding]:
    known = [
        (t, where, curve)
        for t in record.trials
        if t.ending == COMPLETED
        and (where := of(t, parameter)) is not None
        and len(curve := at_epochs(t, "train_loss")) > 3
    ]
    if len(known) < 4 * FEW:
        return []
    places = np.array([where for _, where, _ in known])
    low, high = np.quantile(places, [1 / 3, 2 / 3])
    lows = [(t, _end(c), c) for t, where, c in known if where <= low and where < high]
    highs = [(t, _end(c), c) for t, where, c in known if where >= high]
    small, large = _better_half(lows), _better_half(highs)
    if min(len(small), len(large)) < FEW:
        return []
    low_losses, high_losses = np.array([v for _, v, _ in small]), np.array([v for _, v, _ in large])
    middle = float(np.median(high_losses))
    floor = min(float(high_losses.min()), float(low_losses.min()))
    top = _baseline(known)
    gap = (float(np.median(low_losses)) - middle) / (top - floor) if top > floor else 0.0
    chance = _mann_whitney(low_losses, high_losses)
    flat = float(np.median([_last_share(curve) for _, _, curve in small]))
    if low_losses.min() < middle or gap < GAP or chance > CHANCE or flat > FLAT:
        return []
    largest_small = max(number(t.config[parameter.name]) or 0.0 for t, _, _ in lows)
    new: float = math.floor(largest_small) + 1 if parameter.kind == "int" else float(f"{largest_small:.2g}")
    says = (
        f"the best {len(small)} trials with {parameter.name} up to {largest_small:g} level off at a training loss of "
        f"{np.median(low_losses):.3g}, those of the largest third reach {middle:.3g}"
    )
    return [
        Finding(
            "capacity_short",
            min(0.95, 1 - 5 * chance),
            says,
            evidence={"gap": gap, "chance": chance, "small": len(small), "large": len(large)},
            remedies=(Remedy(f"space.{parameter.name}.low", says, "TUM §VI", parameter.low, new),),
        )
    ]


def _end(curve: dict[int, float]) -> float:
    return curve[max(curve)]


def _better_half(
    group: list[tuple[TrialRecord, float, dict[int, float]]],
) -> list[tuple[TrialRecord, float, dict[int, float]]]:
    ordered = sorted(group, key=lambda item: item[1])
    return ordered[: math.ceil(len(ordered) / 2)]


def _baseline(known: list[tuple[TrialRecord, float, dict[int, float]]]) -> float:
    told = [t.facts.baseline_loss for t, _, _ in known if t.facts is not None and t.facts.baseline_loss is not None]
    return float(np.median(told)) if told else max(curve[min(curve)] for _, _, curve in known)


def _last_share(curve: dict[int, float]) -> float:
    """Of the whole fall of a curve, the share of its last quarter."""
    values = [curve[epoch] for epoch in sorted(curve)]
    whole = values[0] - min(values)
    before = min(values[: len(values) - max(1, len(values) // 4)])
    return max(0.0, before - min(values)) / whole if whole > 0 else 0.0


def _mann_whitney(small: np.ndarray, large: np.ndarray) -> float:
    """Probability of ranks so far apart by chance (normal approximation, one side)."""
    both = ranks(np.concatenate([small, large]))
    n, m = len(small), len(large)
    z = (float(both[:n].sum()) + n - n * (n + m + 1) / 2 - 0.5) / math.sqrt(n * m * (n + m + 1) / 12)
    return 0.5 * math.erfc(z / math.sqrt(2))
