"""Mostly one symptom: a third or more of the trials share one.

Question  What does the space as a whole do wrong?
Formula   share = trials with the verdict / trials with any verdict but unknown.
Units     no unit.
Hit       share of SHARE or more, among at least FEW trials with a verdict. Trials that a scheduler pruned are not
          counted as undertrained: that is what it pruned them for.
Source    Google's tuning playbook: look at all trials' curves, not only the best one's.
"""

from __future__ import annotations

from collections import Counter

from tuner.diagnosis.plain import percent
from tuner.records.finding import HEALTHY, UNKNOWN, Finding, Remedy
from tuner.records.trial import PRUNED, SweepRecord, TrialRecord

SHARE = 1 / 3
FEW = 6


def find(record: SweepRecord) -> list[Finding]:
    judged = [t for t in record.trials if t.verdict not in (None, UNKNOWN) and not _only_pruned(t)]
    counted = Counter(t.verdict for t in judged if t.verdict != HEALTHY)
    if len(judged) < FEW or not counted:
        return []
    symptom, count = counted.most_common(1)[0]
    share = count / len(judged)
    if share < SHARE:
        return []
    sample = next(t for t in judged if t.verdict == symptom)
    remedies = sample.diagnosis.findings[0].remedies if sample.diagnosis and sample.diagnosis.findings else ()
    return [
        Finding(
            "mostly_one_symptom",
            min(0.97, 0.5 + share / 2 + len(judged) / 400),
            f"{count} of {len(judged)} judged trials ({percent(share)}) are {str(symptom).replace('_', ' ')}",
            evidence={"trials": count, "judged": len(judged), "share": share},
            remedies=tuple(Remedy(_subject(r, record), r.because, r.source) for r in remedies),
        )
    ]


def _only_pruned(trial: TrialRecord) -> bool:
    return trial.verdict == "undertrained" and trial.ending == PRUNED


def _subject(remedy: Remedy, record: SweepRecord) -> str:
    """A parameter of the space with the direction, since one trial's numbers say nothing of the rest; words as is."""
    if isinstance(remedy.old, int | float) and isinstance(remedy.new, int | float):
        name = remedy.change
        where = f"space.{name}" if any(p.name == name for p in record.parameters) else name
        return f"{where}: {'higher' if remedy.new > remedy.old else 'lower'}"
    return remedy.change
