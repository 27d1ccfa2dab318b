"""What a whole sweep shows: one finding, one file; each `find` takes the sweep's record and answers with findings."""

from __future__ import annotations

from tuner.diagnosis.sweep import best_at_boundary, best_at_last_epoch, diverges_above, mostly_one_symptom
from tuner.records.finding import Finding
from tuner.records.trial import SweepRecord

ORDER = (diverges_above, best_at_boundary, best_at_last_epoch, mostly_one_symptom)
"""What to do first stands first."""


def diagnose_sweep(record: SweepRecord) -> tuple[Finding, ...]:
    """The findings on a sweep; none while it is too small to say."""
    return tuple(finding for module in ORDER for finding in module.find(record))
