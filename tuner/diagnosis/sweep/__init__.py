"""What a whole sweep shows: one finding, one file; each `find` takes the sweep's record and answers with findings.

A remedy is a change of the sweep file in one of these forms, which `tuner next` applies, or else words for a person:

change                               old -> new
`space.NAME.low`, `space.NAME.high`  the bound of a numeric parameter (NAME as it is recorded) moves; of a choice of
                                     numbers, the options beyond it go
`space.NAME`                         None -> value: the parameter is fixed there and no longer searched
`search.max_epochs`                  epochs
`search.scheduler.grace`             the first rung's epoch, of whichever scheduler the file names
"""

from __future__ import annotations

from tuner.diagnosis.sweep import (
    batch_and_lr_coupled,
    best_at_boundary,
    best_at_last_epoch,
    capacity_short,
    diverges_above,
    mostly_one_symptom,
    no_progress,
    out_of_memory,
    parameter_idle,
    slow_steps,
    stopped_too_early,
    winner_is_lucky,
    within_noise,
)
from tuner.records.finding import Finding
from tuner.records.trial import SweepRecord

ORDER = (
    out_of_memory,
    diverges_above,
    best_at_boundary,
    best_at_last_epoch,
    stopped_too_early,
    capacity_short,
    batch_and_lr_coupled,
    parameter_idle,
    mostly_one_symptom,
    slow_steps,
    within_noise,
    winner_is_lucky,
    no_progress,
)
"""What to do first stands first."""


def diagnose_sweep(record: SweepRecord) -> tuple[Finding, ...]:
    """The findings on a sweep; none while it is too small to say."""
    return tuple(finding for module in ORDER for finding in module.find(record))
