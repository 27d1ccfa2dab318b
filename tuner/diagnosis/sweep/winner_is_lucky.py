"""Winner is lucky: the best of many on few validation examples owes part of its value to these examples.

Question  What is to be expected of the winner on other data?
Formula   value = truth + noise; the contenders are the trials within REACH · σ of the best. σ is the noise that is a
          trial's own: for an accuracy p on n examples √(p (1 − p) / n) (binomial), for a loss its spread between seeds,
          where there are several, else between the last epochs (median absolute second difference / (0.6745 · √6)); at
          most the contenders' own standard deviation S, since what all of them share on the same examples favours
          nobody. The truths are the values shrunk to their mean by √(1 − σ²/S²). Then the sweep is drawn DRAWS
          times, noise added to the truths: the optimism is by how much the best drawn value exceeds the truth behind
          it. Where the truths spread by 2 σ it overstates by a quarter. For k equal contenders it is σ times the
          expected maximum of k normal draws: 1.16 for 5, 1.87 for 20.
Units     optimism: of the metric.
Hit       MANY contenders or more, and the optimism is MATERIAL of the remaining error (of the loss itself, and LEARNT
          of what was learnt below the baseline). The number of validation examples has to be known.
          A finalist's mean is judged likewise, among the finalists.
Source    David and Nagaraja (2003), Order statistics; Cawley and Talbot (2010), On over-fitting in model selection
          and subsequent selection bias in performance evaluation.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tuner.diagnosis.sweep.standing import at_epochs
from tuner.records.finding import Finding, Remedy
from tuner.records.seeds import chosen_by_mean, moderated, over_seeds
from tuner.records.trial import COMPLETED, PRUNED, SweepRecord, TrialRecord

REACH = 8.0
MANY = 5
MATERIAL = 0.1
LEARNT = 0.01
DRAWS = 2000
SMOOTH = 6
"""Last epochs from which noise between epochs is read."""
CLEAREST = 5
"""The best trials, whose curves are read for it."""
SOURCE = "Cawley and Talbot (2010)"


def find(record: SweepRecord) -> list[Finding]:
    best = record.best
    known = examples(record)
    if best is None or known is None:
        return []
    sign = 1.0 if record.mode == "min" else -1.0
    able, noise = candidates(record, known)
    if noise is None or len(able) < MANY:
        return []
    values = np.sort(sign * np.array(able))
    found = optimism(values, noise)
    if found is None:
        return []
    luck, own, contenders = found
    value = sign * float(values[0])
    if luck < _material(value, record, best):
        return []
    expected = value + sign * luck
    accuracy = is_accuracy(record.metric)
    says = (
        f"{record.metric} {value:.4g} is the best of {len(able)} on {known} validation examples, {contenders} of "
        f"them within reach: about {luck:.2g} of it is luck (one value's own noise is {own:.2g}); expect about "
        f"{expected:.4g} on other data"
    )
    return [
        Finding(
            "winner_is_lucky",
            0.8 if contenders >= 2 * MANY else 0.65,
            says,
            evidence={
                "optimism": luck,
                "expected": expected,
                "noise": own,
                "trials": len(able),
                "contenders": contenders,
                "n_val": known,
            },
            remedies=(
                *([] if record.repeats else [_finalists()]),
                Remedy(
                    "more validation samples",
                    "four times as many halve the luck" if accuracy else "their noise falls with their square root",
                    SOURCE,
                ),
                Remedy("tuner run --final-test", "the test split, looked at once, says what it is worth", SOURCE),
            ),
        )
    ]


def optimism(values: npt.NDArray[np.float64], noise: float) -> tuple[float, float, int] | None:
    """(expected optimism of the best, noise of one value's own, contenders) of values where lower is better, sorted;
    None where too few are within reach to say."""
    near = values[values <= values[0] + REACH * noise]
    spread = float(near.std(ddof=1)) if len(near) > 1 else 0.0
    if len(near) < MANY or noise <= 0 or spread <= 0:
        return None
    own = min(noise, spread)
    truth = near.mean() + math.sqrt(max(0.0, 1 - (own / spread) ** 2)) * (near - near.mean())
    drawn = truth + own * np.random.default_rng(0).standard_normal((DRAWS, len(near)))
    winner = drawn.argmin(axis=1)
    luck = float(np.mean(truth[winner] - drawn[np.arange(DRAWS), winner]))
    return luck, own, len(near)


def candidates(record: SweepRecord, examples: int) -> tuple[list[float], float | None]:
    """The values among which the winner was chosen, and the noise of one of them; None where it cannot be known."""
    if chosen_by_mean(record) is not None:
        groups = [one for one in over_seeds(record) if one.whole and one.mean is not None]
        values = [one.mean for one in groups if one.mean is not None]
        noise = moderated([one.values for one in groups])
        if not is_accuracy(record.metric):
            return values, None if noise is None else noise[0].deviation / math.sqrt(len(groups[0].values))
    else:
        able = [t for t in record.trials if t.value is not None and t.ending in (COMPLETED, PRUNED)]
        values = [t.value for t in able if t.value is not None]
        if not is_accuracy(record.metric):
            return values, _between_epochs(able, record)
    best = max(values, default=0.0) if record.mode == "max" else min(values, default=0.0)
    return values, math.sqrt(max(0.0, best * (1 - best)) / examples)


def _between_epochs(trials: list[TrialRecord], record: SweepRecord) -> float | None:
    """The metric's noise between epochs where the best curves end."""
    sign = 1.0 if record.mode == "min" else -1.0
    noises = []
    for trial in sorted(trials, key=lambda t: (sign * (t.value or 0.0), t.number))[:CLEAREST]:
        values = np.array(list(at_epochs(trial, record.metric).values())[-SMOOTH:])
        if len(values) >= SMOOTH:
            second = np.diff(values, 2)
            noises.append(float(np.median(np.abs(second))) / (0.6745 * math.sqrt(6)))
    return float(np.median(noises)) if len(noises) == CLEAREST else None


def _material(value: float, record: SweepRecord, best: TrialRecord) -> float:
    """The optimism from which it is worth saying."""
    if is_accuracy(record.metric):
        return MATERIAL * (1 - value)
    facts = best.facts
    baseline = None if facts is None else facts.baseline_loss
    learnt = abs(baseline - value) if baseline is not None and record.metric.endswith("_loss") else 0.0
    return max(MATERIAL * abs(value), LEARNT * learnt)


def _finalists() -> Remedy:
    why = "the best are trained again on further seeds, and the value that chose them does not count"
    return Remedy("search.finalists", why, SOURCE)


def examples(record: SweepRecord) -> int | None:
    """Of validation; None where nobody recorded them, or trials differ."""
    known = {t.facts.n_val for t in record.trials if t.facts is not None and t.facts.n_val}
    return known.pop() if len(known) == 1 else None


def is_accuracy(metric: str) -> bool:
    return metric.endswith("accuracy")
