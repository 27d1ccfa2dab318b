"""Best at last epoch: the best trials were still improving when `max_epochs` ended them.

Question  Would more epochs have made the winners better?
Formula   late = trials that trained to the end with their best epoch in the last tenth of `max_epochs`; p = chance of
          so many, were the best epochs spread evenly over the second half, as on a plateau; gain = improvement over
          the last quarter / improvement since the first epoch, the median over the late ones.
Units     late: trials; p: probability; gain: no unit.
Hit       among the better half of the trials that trained to the end (four at least), the best is late, half or more
          are, p is below CHANCE, and gain is GAIN or more: the last epochs still brought something.
          Pruned and doomed trials are no evidence: they were not ended by `max_epochs`.
Source    Google's tuning playbook: the best step in the last quarter means train longer.
"""

from __future__ import annotations

import math

import numpy as np

from tuner.diagnosis.sweep.placing import at_least
from tuner.diagnosis.sweep.standing import best_so_far
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import COMPLETED, SweepRecord, TrialRecord

LATE = 0.1
CHANCE = 0.05
GAIN = 0.02
FEW = 4


def find(record: SweepRecord) -> list[Finding]:
    end = record.max_epochs
    reached = [t for t in record.trials if t.ending == COMPLETED and t.epochs and t.epochs[-1].epoch >= end]
    reached = [t for t in reached if t.best_epoch is not None]
    if len(reached) < FEW or end < 2:
        return []
    curves = {t.number: best_so_far(t, record, end) for t in reached}
    reached.sort(key=lambda t: (float(curves[t.number][-1]), t.number))
    better = reached[: max(FEW, math.ceil(len(reached) / 2))]
    tail = max(1, math.ceil(LATE * end))
    late = [t for t in better if (t.best_epoch or 0) > end - tail]
    chance = at_least(len(late), len(better), min(0.9, tail / max(2, math.ceil(end / 2))))
    if not late or better[0] not in late or 2 * len(late) < len(better) or chance > CHANCE:
        return []
    gain = float(np.median([_gain(curves[t.number], end) for t in late]))
    if gain < GAIN:
        return []
    wanted = sorted(_epochs_wanted(t, end) for t in late)
    new = wanted[len(wanted) // 2]
    says = f"{len(late)} of the best {len(better)} trials that trained to the end were still improving at epoch {end}"
    return [
        Finding(
            "best_at_last_epoch",
            min(0.95, 1 - 2 * chance),
            says,
            evidence={"late": len(late), "reached": len(better), "chance": chance, "gain": gain},
            remedies=(Remedy("search.max_epochs", says, "Google's tuning playbook", end, new),),
        )
    ]


def _gain(curve: np.ndarray, end: int) -> float:
    """Of the whole improvement, the share that the last quarter brought."""
    before = end - max(1, end // 4)
    whole = float(curve[0] - curve[-1])
    return float(curve[before - 1] - curve[-1]) / whole if np.isfinite(curve[0]) and whole > 0 else 0.0


def _epochs_wanted(trial: TrialRecord, end: int) -> int:
    """Twice as many, or fewer where the trial's own extrapolation says so: the next sweep may ask again."""
    found = [f for f in (trial.diagnosis.findings if trial.diagnosis else ()) if f.symptom == "undertrained"]
    more = found[0].evidence.get("more_epochs", end) if found else end
    return end + max(1, round(min(more, end)))
