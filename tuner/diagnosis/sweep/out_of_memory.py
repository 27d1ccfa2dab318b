"""Out of memory: trials did not fit, and the finding says which corner of the space they lie in.

Question  Which sizes does this machine's memory not hold?
Formula   a size is a whole-number parameter or a product of up to three (batch_size × width); of all sizes the one with
          the cut that leaves the fewest trials on the wrong side: out of memory from the cut up, trained below it.
          p = chance of so many failures above the cut, were size of no influence (hypergeometric, times the sizes
          that were tried). A trial has fitted when it has reported an epoch.
Units     size: the product of the parameters' own numbers; p: probability.
Hit       any trial that ran out of memory. A bound moves when FEW or more of them lie above the cut, they are MOST of
          the trials there, and p is below CHANCE: to the geometric middle between the largest size that fitted and the
          smallest that did not, at the upper bounds of the other factors. The batch size is lowered first where half
          of its range is left, as it shapes no model; else whichever keeps more of its range; never below the best
          trial's own value. What the rest of the failures have in common is asked once more, so that two branches of
          a space have a corner each.
Source    Google's tuning playbook: the largest batch size is a matter of memory; Micikevicius et al. (2018).
"""

from __future__ import annotations

import math

from tuner.diagnosis.sweep.corner import Corner, corner_of, size, whole_values
from tuner.diagnosis.sweep.placing import number, place, short
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import ParameterRecord, SweepRecord, TrialRecord

NAME = "out_of_memory"
FEW = 2
MOST = 0.6
CHANCE = 0.05
HALF = 0.5
SHOWN = 3
PLAYBOOK = "Google's tuning playbook"
PRECISION = Remedy("amp: bf16", "what a step keeps takes half the memory", "Micikevicius et al. (2018)")
NEIGHBOURS = Remedy("fewer trials at once (resources)", "trials side by side share the memory", PLAYBOOK)


def find(record: SweepRecord) -> list[Finding]:
    failed = [t for t in record.trials if t.failure == NAME]
    if not failed:
        return []
    found = [_corner_finding(corner, failed, record) for corner in corners(record)]
    return found or [_plain_finding(failed, record)]


def corners(record: SweepRecord) -> list[Corner]:
    """Those that are beyond chance, the one with the most failures first."""
    left = [t for t in record.trials if t.failure == NAME]
    fitted = [t for t in record.trials if t.failure != NAME and t.epochs]
    found: list[Corner] = []
    while left and (corner := corner_of(left, fitted, record.parameters)) is not None and _is_sure(corner):
        found.append(corner)
        left = [t for t in left if (size(t, corner.factors) or 0.0) < corner.failed_from]
    return found


def no_larger(record: SweepRecord) -> frozenset[str]:
    """The recorded names of the parameters whose upper bounds are not to be raised: memory ends there."""
    return frozenset(item.name for corner in corners(record) for item in corner.factors)


def _is_sure(corner: Corner) -> bool:
    return (
        corner.failed_above >= FEW
        and corner.failed_above >= MOST * corner.above
        and corner.failed_below <= corner.failed_above
        and corner.chance <= CHANCE
    )


def _corner_finding(corner: Corner, failed: list[TrialRecord], record: SweepRecord) -> Finding:
    says = (
        f"{corner.failed_above} of {corner.above} trials with {corner.name} from {corner.failed_from:,.0f} up ran out "
        f"of memory, {corner.failed_below} of {corner.below} below; the largest that fitted: {corner.fits:,.0f}"
    )
    return Finding(
        NAME,
        min(0.97, 1 - 3 * corner.chance),
        says,
        evidence={
            "failed": len(failed),
            "failed_from": corner.failed_from,
            "largest_that_fits": corner.fits,
            "above": corner.above,
            "failed_above": corner.failed_above,
            "below": corner.below,
            "failed_below": corner.failed_below,
            "chance": corner.chance,
        },
        remedies=(_cap(corner, says, record), PRECISION, NEIGHBOURS),
    )


def _plain_finding(failed: list[TrialRecord], record: SweepRecord) -> Finding:
    """Too few to say where: the failures themselves, with their sizes."""
    sizes = [item for item in record.parameters if whole_values(item)]
    shown = [f"{t.trial}{_values(t, sizes)}" for t in failed[:SHOWN]]
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    return Finding(
        NAME,
        0.9,
        f"{len(failed)} of {len(record.trials)} trials ran out of memory: {', '.join(shown)}{more}",
        evidence={"failed": len(failed), "trials": len(record.trials)},
        remedies=(
            Remedy("a smaller batch or model", "no size separates them from the trials that fitted", PLAYBOOK),
            PRECISION,
            NEIGHBOURS,
        ),
    )


def _values(trial: TrialRecord, sizes: list[ParameterRecord]) -> str:
    told = [f"{item.name} {trial.config[item.name]}" for item in sizes if item.name in trial.config]
    return f" ({', '.join(told)})" if told else ""


def _cap(corner: Corner, says: str, record: SweepRecord) -> Remedy:
    """The bound to lower, or the size to keep below, in words."""
    best = record.best.config if record.best is not None else {}
    able: list[tuple[tuple[bool, float], ParameterRecord, int]] = []
    for item in corner.factors:
        others = math.prod(whole_values(other)[-1] for other in corner.factors if other is not item)
        new = _largest(item, math.sqrt(corner.fits * corner.failed_from) / others)
        if new is not None and new >= (number(best.get(item.name)) or 0.0):
            kept = _kept(item, new)
            able.append(((short(item) == "batch_size" and kept >= HALF, kept), item, new))
    if not able:
        return Remedy(
            f"{corner.name} below {corner.failed_from:,.0f}", f"{says}; no single bound keeps the best trial", PLAYBOOK
        )
    _, item, new = max(able, key=lambda one: one[0])
    because = says
    if len(corner.factors) > 1:
        others_at = ", ".join(f"{o.name} {whole_values(o)[-1]}" for o in corner.factors if o is not item)
        because = f"{says}; so {item.name} {new} is the most at {others_at}"
    return Remedy(f"space.{item.name}.high", because, PLAYBOOK, whole_values(item)[-1], new)


def _largest(item: ParameterRecord, limit: float) -> int | None:
    """The upper bound that this limit allows: below the present one, and not below the lower one."""
    values = whole_values(item)
    if item.kind == "int":
        new = math.floor(limit)
        return new if values[0] < new < values[-1] else None
    left = [value for value in values if value <= limit]
    return left[-1] if 0 < len(left) < len(values) else None


def _kept(item: ParameterRecord, new: int) -> float:
    """Share of the range, or of the options, that is left."""
    if item.kind == "int":
        return place(item, new) or 0.0
    values = whole_values(item)
    return sum(value <= new for value in values) / len(values)
