"""Slow steps: an iteration takes longer than half a second.

Question  Is the sweep's time spent where it should be?
Formula   seconds of an epoch / steps of an epoch, the median over a trial's epochs from its second one (the first warms
          up), then the median over the trials. Evaluation is in the epoch's seconds, so a step is a little shorter.
Units     seconds.
Hit       the median is above SLOW, of FEW trials or more that have reported two epochs and their steps.
Source    TUM §VIII: an iteration over 500 ms means that a bottleneck is to be looked for.
"""

from __future__ import annotations

import statistics

from tuner.records.finding import Finding, Remedy
from tuner.records.trial import SweepRecord, TrialRecord

SLOW = 0.5
FEW = 3


def find(record: SweepRecord) -> list[Finding]:
    known = [(t, seconds) for t in record.trials if (seconds := _seconds_a_step(t)) is not None]
    if len(known) < FEW:
        return []
    middle = statistics.median(seconds for _, seconds in known)
    slow = [t for t, seconds in known if seconds > SLOW]
    if middle <= SLOW:
        return []
    says = f"a step takes {middle:.2g} s, the median of {len(known)} trials"
    return [
        Finding(
            "slow_steps",
            0.9,
            says,
            evidence={"seconds": middle, "slow": len(slow), "trials": len(known)},
            remedies=tuple(_remedies(known[0][0])),
        )
    ]


def _remedies(trial: TrialRecord) -> list[Remedy]:
    device = trial.facts.device if trial.facts is not None else None
    if device == "cpu":
        return [
            Remedy("resources.gpu", "the steps run on a CPU", "TUM §VIII"),
            Remedy("smaller batches or models, or more of resources.cpu", "a step computes too much", "TUM §VIII"),
        ]
    return [Remedy("profile one step", "loader, transfer or compute: the slowest is the bottleneck", "TUM §VIII")]


def _seconds_a_step(trial: TrialRecord) -> float | None:
    steps = trial.facts.steps_per_epoch if trial.facts is not None else None
    later = [epoch.seconds for epoch in trial.epochs[1:] if epoch.seconds > 0]
    return statistics.median(later) / steps if steps and later else None
