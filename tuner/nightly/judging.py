"""From what a night's run came to, to what is said of it: broken off, a first night, or judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tuner.nightly.changes import changes
from tuner.nightly.history import History, rules_of, state_after
from tuner.nightly.outcome import STOPPED
from tuner.nightly.verdict.figures import figures
from tuner.nightly.verdict.judge import judge
from tuner.records.night import INCOMPLETE, OK, Judgement, NightRecord
from tuner.records.trial import COMPLETED, DOOMED, FAILED, SweepRecord
from tuner.sweep import Sweep


def judged(record: NightRecord, run: SweepRecord, history: History, sweep: Sweep, seeds: int) -> NightRecord:
    """`record` with its judgement, the state from now on and what changed. `seeds`: what a first night has to train."""
    reference, nights = history.figures(record.key)
    broken = _broken(run)
    ended = sum(one.ending in (COMPLETED, DOOMED, FAILED) for one in run.controls)
    if not broken and record.control and reference is None and run.status == "stopped" and ended < seeds:
        broken = f"{run.reason}: {ended} of {seeds} controls ended, and a first night needs them all"
    if broken:
        judgement = Judgement(INCOMPLETE, broken)
    elif not record.control:
        judgement = Judgement(OK, "a first night: its best configuration is the control from now on")
    else:
        judgement = judge(figures(record), reference, nights, rules_of(sweep), record.state_before)
        if judgement.verdict == INCOMPLETE:
            over = f"{run.reason}: " if run.status == "stopped" else ""  # its hours
            judgement = replace(judgement, why=f"{over}{judgement.why}{_raised(run)}")
        if reference is None and history.reference is not None and history.reference.night is not None:
            why = f"{judgement.why}; its terms are not those of {history.reference.night}"
            judgement = replace(judgement, why=why)
    good = history.last_good
    since = () if good is None else changes(good.conditions, record.conditions, Path.cwd())
    return replace(
        record,
        judgement=judgement,
        changes=since,
        since=None if good is None else good.id,
        state=state_after(judgement.verdict, record.state_before),
    )


def _broken(run: SweepRecord) -> str:
    """Why there is no verdict, whatever the figures are; empty where there may be one."""
    if run.status == "stopped" and run.reason.startswith(STOPPED):
        return f"{run.reason}; started again today it goes on"
    if run.status == "failed":
        controls = [one.ending == FAILED for one in run.controls]
        whole = f"all {len(controls)} controls and " if controls and all(controls) else ""
        return f"{whole}{run.reason}{_raised(run)}"
    return ""


def _raised(run: SweepRecord) -> str:
    """`: ValueError: …`, what most of the failed trials ended with, the controls first; empty where none failed."""
    of_controls = [one.reason for one in run.controls if one.ending == FAILED]
    of_search = [one.reason for one in run.trials if one.ending == FAILED]
    reasons = Counter(reason.splitlines()[0] for reason in of_controls or of_search if reason)
    return f": {reasons.most_common(1)[0][0]}" if reasons else ""
