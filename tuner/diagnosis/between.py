"""Between sweeps: is the best of one better than the best of another, by more than noise?

Question  Of two sweeps' best values, did the better one have the better configuration or the better luck?
Formula   behind = how much worse the other's value is; error = √(e² + f²) of the two values' standard errors; more than
          noise where behind > t(0.975) · error.
Errors    Over several seeds: the moderated standard error of the mean (`records/seeds.py`). Of one training: the other
          side's deviation between seeds, where it has some; else what can be seen of it: for an accuracy p on n
          validation examples √(p (1 − p) / n), for a loss the noise between its curves' last epochs. The last two leave
          out what another seed would change, so that they can show that a difference is noise, never that it is none.
Levels    better: beyond noise, and the better value is a mean over seeds; the worse one may be the lucky best of many,
          which makes the difference too small. leads: beyond the noise that is known, by one training alone. tied:
          within noise. same: no difference. unknown: nothing is known of the noise.
Units     that of the metric.
Source    Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks; Smyth (2004), moderated t.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tuner.diagnosis.sweep.winner_is_lucky import candidates, examples, is_accuracy
from tuner.records.comparison import BETTER, LEADS, NONE, SAME, TIED, UNKNOWN, Answer, BestValue, Pair, Side
from tuner.records.seeds import chosen_by_mean, moderated, over_seeds, student
from tuner.records.trial import SweepRecord

SURE = 0.975
DATA_UNKNOWN = "unknown"
_Z = 1.959964
SEEDS, EPOCHS, EXAMPLES = "seeds", "epochs", "examples"
_SEEN = {
    EPOCHS: "what one training's curve shows between epochs",
    EXAMPLES: "what that many validation examples allow",
    "": "nothing",
}


def best_value(record: SweepRecord) -> BestValue | None:
    """None where no trial has a value that may win."""
    best = record.best
    if best is None or best.value is None:
        return None
    chosen = chosen_by_mean(record)
    if chosen is not None and chosen.mean is not None:
        groups = [one.values for one in over_seeds(record) if one.whole and one.mean is not None]
        noise = moderated(groups)
        count = len(chosen.values)
        if noise is None:
            return BestValue(best, chosen.mean, None, None, count, "", chosen.interval)
        error = noise[0].deviation / math.sqrt(count)
        return BestValue(best, chosen.mean, error, noise[0].freedom, count, SEEDS, chosen.interval)
    seen = _of_one_training(record)
    interval = None if seen is None else (best.value - _Z * seen, best.value + _Z * seen)
    basis = "" if seen is None else EXAMPLES if is_accuracy(record.metric) else EPOCHS
    return BestValue(best, best.value, seen, None, 1, basis, interval)


def answer(sides: Sequence[Side]) -> Answer:
    """The better one and how surely; for each of the others, how far behind it is."""
    judged_by = {(side.record.metric, side.record.mode) for side in sides}
    if len(judged_by) > 1:
        told = ", ".join(f"{side.label} by {side.record.metric} ({side.record.mode})" for side in sides)
        return Answer(f"Which is better cannot be said: they are judged by different metrics: {told}", NONE)
    tasks = {side.record.task for side in sides if side.record.task is not None}
    if len(tasks) > 1:
        told = ", ".join(f"{side.label} is {side.record.task or 'of a task that is not recorded'}" for side in sides)
        return Answer(f"Which is better cannot be said: they learn different tasks: {told}", NONE)
    metric = sides[0].record.metric
    sign = 1.0 if sides[0].record.mode == "min" else -1.0
    able = [(side, side.best) for side in sides if side.best is not None]
    if len(able) < 2:
        without = ", ".join(side.label for side in sides if side.best is None)
        return Answer(f"Which is better cannot be said: no trial of {without} has a finite {metric}", NONE)
    first, best = min(able, key=lambda one: sign * one[1].value)
    pairs = tuple(_pair(first, best, side, own, sign) for side, own in able if side is not first)
    missing = tuple(
        Pair(side.label, NONE, None, None, f"{side.label} has no finite {metric}")
        for side in sides
        if side.best is None
    )
    level = _weakest(pairs)
    same = level == SAME and all(pair.level == SAME for pair in pairs)
    return Answer(
        _told(first, best, pairs, level, metric, len(sides)),
        level,
        None if any(pair.level == SAME for pair in pairs) else first.label,
        pairs=() if same and not missing else pairs + missing,
        caveat=_caveat(first, best, pairs),
    )


def _caveat(first: Side, best: BestValue, pairs: Sequence[Pair]) -> str:
    if best.basis == SEEDS or not any(pair.level in (LEADS, UNKNOWN) for pair in pairs):
        return ""
    of = len(first.record.trials)
    return (
        f"{first.label}'s value is one training's, the best of {of}; another seed may turn it round: finalists "
        "(`search.finalists`) would tell"
    )


def _pair(first: Side, best: BestValue, side: Side, own: BestValue, sign: float) -> Pair:
    behind = sign * (own.value - best.value)
    if behind == 0:
        return Pair(side.label, SAME, 0.0, None, f"{side.label} comes to the same value")
    errors = _errors(best, own)
    if errors is None:
        says = f"{side.label} is {behind:.3g} worse; nothing is known of the noise"
        return Pair(side.label, UNKNOWN, behind, None, says)
    error, freedom = errors
    half = (_Z if freedom is None else student(SURE, freedom)) * error
    interval = (behind - half, behind + half)
    seen = _told_noise(best, own)
    if behind <= half:
        says = (
            f"{side.label} cannot be told from {first.label}: {behind:.3g} apart, and {half:.3g} may be noise ({seen})"
        )
        return Pair(side.label, TIED, behind, interval, says)
    if best.basis != SEEDS:
        says = f"{side.label} is {behind:.3g} worse, more than the {half:.3g} that are noise ({seen})"
        return Pair(side.label, LEADS, behind, interval, says)
    says = f"{side.label} is {behind:.3g} worse (95 % interval {interval[0]:.3g} to {interval[1]:.3g}, {seen})"
    if DATA_UNKNOWN not in (first.data, side.data) and first.data != side.data:
        says = f"{says}; but their data differ, so that the values are not of the same examples"
        return Pair(side.label, LEADS, behind, interval, says)
    return Pair(side.label, BETTER, behind, interval, says)


def _errors(best: BestValue, own: BestValue) -> tuple[float, int | None] | None:
    """Standard error of the difference, its degrees of freedom; one training beside several borrows their spread."""
    one, other = _borrowed(best, own), _borrowed(own, best)
    if not one.noise or not other.noise:  # no spread at all is none that is known
        return None
    freedoms = [value.freedom for value in (one, other) if value.freedom is not None]
    return math.hypot(one.noise, other.noise), min(freedoms, default=None)


def _borrowed(value: BestValue, other: BestValue) -> BestValue:
    if value.basis == SEEDS or other.basis != SEEDS or other.noise is None:
        return value
    return replace(value, noise=other.noise * math.sqrt(other.seeds), freedom=other.freedom)


def _told_noise(best: BestValue, own: BestValue) -> str:
    counts = [one.seeds for one in (best, own)]
    if best.basis == own.basis == SEEDS:
        return f"over {counts[0]} and {counts[1]} seeds"
    if SEEDS in (best.basis, own.basis):
        return f"the spread of {max(counts)} seeds on one side, one training on the other"
    return _SEEN[best.basis or own.basis]


def _weakest(pairs: Sequence[Pair]) -> str:
    order = (SAME, TIED, UNKNOWN, LEADS, BETTER)
    return min((pair.level for pair in pairs), key=order.index)


def _told(first: Side, best: BestValue, pairs: Sequence[Pair], level: str, metric: str, sides: int) -> str:
    value = f"{metric} {best.value:.4g}"
    if all(pair.level == SAME for pair in pairs):
        return f"{'Both' if sides == 2 else 'All'} come to the same {value}"
    if level == BETTER:
        return f"{first.label} is {'better' if sides == 2 else 'the best'}: {value}"
    if level == LEADS:
        return f"{first.label} leads, though not surely: {value}"
    if level == UNKNOWN:
        return f"{first.label} has the best value, {value}; whether by more than noise is not known"
    tied = [pair.label for pair in pairs if pair.level in (TIED, SAME)]
    if len(tied) == len(pairs):
        return f"No difference beyond noise: {value} ({first.label}) is the best value"
    return f"{value} ({first.label}) is the best value; {', '.join(tied)} cannot be told from it"


def _of_one_training(record: SweepRecord) -> float | None:
    """Standard deviation of one value, as far as its own curve or its number of examples shows."""
    known = examples(record)
    if is_accuracy(record.metric) and known is None:
        return None
    noise = candidates(record, known or 1)[1]
    return noise if noise is not None and noise > 0 else None
