"""Best at last epoch: the best trials were still improving when `max_epochs` ended them.

Question  Would more epochs have made the winners better?
Formula   late = good trials whose best epoch lies in the last tenth of `max_epochs` and whose curve was still falling
          there (their diagnosis says undertrained).
Units     late: trials.
Hit       the best trial is late, and half of the good trials that reached `max_epochs` are.
Source    Google's tuning playbook: the best step in the last quarter means train longer.
"""

from __future__ import annotations

import math

from tuner.diagnosis.sweep.placing import good_trials
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import SweepRecord, TrialRecord

LATE = 0.1


def find(record: SweepRecord) -> list[Finding]:
    reached = [t for t in good_trials(record) if t.epochs and t.epochs[-1].epoch >= record.max_epochs]
    late = [t for t in reached if _late(t, record.max_epochs)]
    if len(reached) < 2 or reached[0] not in late or 2 * len(late) < len(reached):
        return []
    wanted = [_epochs_wanted(t, record.max_epochs) for t in late]
    new = sorted(wanted)[len(wanted) // 2]
    return [
        Finding(
            "best_at_last_epoch",
            min(0.95, 0.6 + 0.1 * len(late)),
            f"{len(late)} of the best {len(reached)} trials that trained to the end were still improving at epoch "
            f"{record.max_epochs}",
            evidence={"late": len(late), "reached": len(reached)},
            remedies=(
                Remedy(
                    "search.max_epochs", "the winners were cut off", "Google's tuning playbook", record.max_epochs, new
                ),
            ),
        )
    ]


def _late(trial: TrialRecord, max_epochs: int) -> bool:
    in_time = trial.best_epoch is not None and trial.best_epoch > max_epochs - max(1, math.ceil(LATE * max_epochs))
    return in_time and trial.verdict == "undertrained"


def _epochs_wanted(trial: TrialRecord, max_epochs: int) -> int:
    finding = trial.diagnosis.findings[0] if trial.diagnosis and trial.diagnosis.findings else None
    more = finding.evidence.get("more_epochs", max_epochs) if finding else max_epochs
    return max_epochs + max(1, round(min(more, 3 * max_epochs)))
