"""Slow steps: training waits for its data, or an iteration takes longer than half a second.

Question  Is the sweep's time spent where it should be?
Formula   step = seconds of an epoch / steps of an epoch; share = seconds in which the loop waited for its next batch /
          seconds of the epoch. Of each the median over a trial's epochs from its second one (the first warms up), then
          the median over the trials. Evaluation is in the epoch's seconds: a step is a little shorter than this, and
          waiting is a little more of the training.
Units     step: seconds; share: no unit.
Hit       of FEW trials or more that have reported two epochs: share above WAITING where the wait is LEAST or more of an
          epoch (less is not worth anybody's while); or else the step above SLOW.
Source    TUM §VIII: an iteration over 500 ms means that a bottleneck is to be looked for: the loader first.
"""

from __future__ import annotations

import statistics

from tuner.diagnosis.plain import percent
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import SweepRecord, TrialRecord

SLOW = 0.5
WAITING = 0.5
LEAST = 0.1
"""Seconds an epoch."""
FEW = 3
SOURCE = "TUM §VIII"


def find(record: SweepRecord) -> list[Finding]:
    return _waiting(record) or _slow(record)


def _waiting(record: SweepRecord) -> list[Finding]:
    known = [waited for t in record.trials if (waited := _waited(t)) is not None]
    if len(known) < FEW:
        return []
    share, seconds = (statistics.median(values) for values in zip(*known, strict=True))
    if share <= WAITING or seconds < LEAST:
        return []
    says = (
        f"training waits for its data {percent(share)} of the time, {seconds:.2g} s an epoch, the median of "
        f"{len(known)} trials"
    )
    return [
        Finding(
            "slow_steps",
            0.9,
            says,
            evidence={"waiting": share, "seconds_waiting": seconds, "trials": len(known)},
            remedies=(
                Remedy("more loader workers (num_workers)", "the next batch is made while this one is trained", SOURCE),
                Remedy("decode and resize once, not in every epoch", "what is the same each time can be kept", SOURCE),
                Remedy("keep the data in memory, on the device where it fits", "then nothing is loaded", SOURCE),
            ),
        )
    ]


def _slow(record: SweepRecord) -> list[Finding]:
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
            Remedy("resources.gpu", "the steps run on a CPU", SOURCE),
            Remedy("smaller batches or models, or more of resources.cpu", "a step computes too much", SOURCE),
        ]
    return [Remedy("profile one step", "loader, transfer or compute: the slowest is the bottleneck", SOURCE)]


def _seconds_a_step(trial: TrialRecord) -> float | None:
    steps = trial.facts.steps_per_epoch if trial.facts is not None else None
    later = [epoch.seconds for epoch in trial.epochs[1:] if epoch.seconds > 0]
    return statistics.median(later) / steps if steps and later else None


def _waited(trial: TrialRecord) -> tuple[float, float] | None:
    """(share of an epoch, seconds)."""
    later = [(e.data_seconds, e.seconds) for e in trial.epochs[1:] if e.seconds > 0 and e.data_seconds is not None]
    if not later:
        return None
    return statistics.median(waited / seconds for waited, seconds in later), statistics.median(w for w, _ in later)
