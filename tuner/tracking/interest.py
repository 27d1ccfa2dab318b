"""Whose curves are worth a place in MLflow when not everybody's are kept there: `tracking: {curves: top}`.

It follows from the journal's lines in their order and from nothing else, so that a follower that was killed comes to
the same trials. Nobody is ever taken back: what MLflow has been sent stays.

From their beginning   control trials, and the finalists' trainings on further seeds
When they end          who is then among the best BEST, the first FEW of each symptom, the first FAILURES that failed
When the sweep ends    the best one, the finalists, and the FEW clearest of each symptom

With n trials the first rule for ended ones keeps some BEST · (1 + ln(n / BEST)): the record-holders of their time, as
the ranks of a random order have it. Of 1,000 these are about 100, of 10,000 about 145.
"""

from __future__ import annotations

from tuner.records.finding import Finding
from tuner.records.journal import Line
from tuner.records.trial import DOOMED, FAILED, SweepRecord, TrialRecord

BEST, FEW, FAILURES = 20, 5, 20
FINALIST = "finalist"
"""The origin of a finalist's training on a further seed."""


class Interest:
    """Told of every trial that ends, in the journal's order."""

    def __init__(self) -> None:
        self._best: list[tuple[float, int, str]] = []
        """The best ones so far as (value, number, trial), sorted; of values, smaller is better."""
        self._seen: dict[str, set[str]] = {}
        """Symptom -> who was chosen for it."""
        self._failed: set[str] = set()

    def ended(self, trial: TrialRecord, sign: float) -> bool:
        """Whether it is worth seeing now that it has ended. `sign` is -1 where larger is better."""
        return any([self._is_among_best(trial, sign), self._has_new_symptom(trial), self._is_failure(trial)])

    def _is_among_best(self, trial: TrialRecord, sign: float) -> bool:
        if trial.value is None or trial.ending in (DOOMED, FAILED):
            return False
        others = [one for one in self._best if one[2] != trial.trial]  # it may have ended before, and gone on
        self._best = sorted([*others, (sign * trial.value, trial.number, trial.trial)])[:BEST]
        return any(name == trial.trial for _, _, name in self._best)

    def _has_new_symptom(self, trial: TrialRecord) -> bool:
        symptoms = {finding.symptom for finding in trial.diagnosis.findings} if trial.diagnosis else set()
        new = {symptom for symptom in symptoms if len(self._seen.get(symptom, ())) < FEW}
        for symptom in new:
            self._seen.setdefault(symptom, set()).add(trial.trial)
        return bool(new)

    def _is_failure(self, trial: TrialRecord) -> bool:
        if trial.ending != FAILED or len(self._failed) >= FAILURES:
            return False
        self._failed.add(trial.trial)
        return True


def from_the_beginning(line: Line) -> bool:
    """Whether this line begins a training of a kind of which there are few and each counts."""
    return bool(line["kind"] == "control" or (line["kind"] == "further_seed" and line["origin"] == FINALIST))


def at_the_end(record: SweepRecord) -> list[str]:
    """Who turns out to matter once the sweep has ended, in the order of the trials."""
    chosen = {*record.finalists, *_clearest(record)}
    if record.best is not None:
        chosen.add(record.best.trial)
        chosen |= {one.trial for one in record.repeats if one.repeat_of == record.best.trial}
    return [trial.trial for trial in record.everything if trial.trial in chosen]


def _clearest(record: SweepRecord) -> set[str]:
    by_symptom: dict[str, list[tuple[Finding, TrialRecord]]] = {}
    for trial in record.trials:
        for finding in trial.diagnosis.findings if trial.diagnosis else ():
            by_symptom.setdefault(finding.symptom, []).append((finding, trial))
    return {
        trial.trial
        for cases in by_symptom.values()
        for _, trial in sorted(cases, key=lambda case: (-case[0].confidence, case[1].number))[:FEW]
    }
