"""What matters most in a sweep: the findings to read first, what failed, and the next command to type."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import dataclass

from tuner.diagnosis.next_space import plan
from tuner.records.finding import Finding
from tuner.records.trial import COMPLETED, FAILED, PRUNED, SweepRecord, TrialRecord
from tuner.report.wording import printable, scalar


@dataclass(frozen=True, slots=True)
class Matter:
    """A finding and of whom it is said."""

    who: str
    """`the sweep`, `the best trial, 0017`, `5 of 64 trials, 0003 the clearest`."""
    finding: Finding
    trials: int = 0
    """How many trials show it; 0 for a finding on the sweep as a whole."""
    clearest: TrialRecord | None = None
    """Of these the one that shows it most surely."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Trials that failed for one reason."""

    reason: str
    trials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to type next and why."""

    command: str
    because: str


def findings_that_matter(record: SweepRecord, limit: int = 3) -> tuple[Matter, ...]:
    """The sweep's findings, the best trial's first finding, then the symptoms that most trials share.

    One place is kept for the best trial: what is wrong with the winner is never crowded out.
    """
    best = record.best
    own = best.diagnosis.findings[:1] if best is not None and best.diagnosis is not None else ()
    room = max(0, limit - len(own))
    chosen = [Matter("the sweep", finding) for finding in record.findings[:room]]
    chosen += [Matter(f"the best trial, {best.trial}", finding, 1) for finding in own if best is not None]
    said = {matter.finding.symptom for matter in chosen}
    chosen += [matter for matter in symptoms(record) if matter.finding.symptom not in said]
    return tuple(chosen[:limit])


def symptoms(record: SweepRecord) -> tuple[Matter, ...]:
    """Each trial-level symptom with its clearest case, the most frequent first."""
    counts: Counter[str] = Counter()
    clearest: dict[str, tuple[Finding, TrialRecord]] = {}  # the surest, and of as sure ones the one that shows most
    for trial in record.trials:
        for finding in trial.diagnosis.findings if trial.diagnosis else ():
            counts[finding.symptom] += 1
            if finding.symptom not in clearest or _clear(finding, trial) > _clear(*clearest[finding.symptom]):
                clearest[finding.symptom] = (finding, trial)
    rows = []
    for symptom, amount in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        finding, trial = clearest[symptom]
        who = f"{amount} of {len(record.trials)} trials, {trial.trial} the clearest"
        rows.append(Matter(f"trial {trial.trial}" if amount == 1 else who, finding, amount, trial))
    return tuple(rows)


def _clear(finding: Finding, trial: TrialRecord) -> tuple[float, int]:
    return finding.confidence, len(trial.epochs)


def failures(record: SweepRecord) -> tuple[Failures, ...]:
    """The reasons for which trials failed, the most frequent first."""
    reasons: dict[str, list[str]] = {}
    for trial in record.trials:
        if trial.ending == FAILED:
            reasons.setdefault(trial.reason or "no reason was recorded", []).append(trial.trial)
    rows = [Failures(printable(reason), tuple(trials)) for reason, trials in reasons.items()]
    return tuple(sorted(rows, key=lambda failure: (-len(failure.trials), failure.trials)))


def next_step(record: SweepRecord, run: str | None = None) -> NextStep:
    """The one command that helps most now; `run` is how the user names the run directory."""
    run = run or run_argument(record)
    if record.status in ("stopped", "running"):
        return NextStep(f"tuner run --resume {shlex.quote(run)}", "goes on exactly where it stopped")
    best = record.best
    if best is None:
        failed = [failure.trials[0] for failure in failures(record)]
        trial = failed[0] if failed else record.trials[0].trial if record.trials else None
        if trial is None:
            return NextStep(f"tuner run --resume {shlex.quote(run)}", "no trial was started yet")
        return NextStep(f"tuner train {shlex.quote(f'{run}/{trial}')}", "trains this trial here, without Ray, for pdb")
    sweep_file = shlex.quote(os.path.join(shown_path(record.path or record.run), "sweep.yaml"))  # noqa: PTH118
    for finding in record.findings:
        for remedy in finding.remedies:
            if remedy.change == "search.max_epochs" and remedy.new is not None:
                setting = shlex.quote(f"{remedy.change}={scalar(remedy.new)}")
                return NextStep(f"tuner run {sweep_file} --set {setting}", remedy.because)
    for change in plan(record.findings):
        return NextStep(f"tuner next {shlex.quote(run)} -o next.yaml", change.because)
    if best.ending in (COMPLETED, PRUNED):
        return NextStep(f"tuner train {shlex.quote(f'{run}/{best.trial}')}", "trains the best configuration again")
    return NextStep(f"tuner report {shlex.quote(run)}", "draws the report again")


def shown_path(path: str) -> str:
    """As short as it can be from here: relative where it lies below the current folder."""
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else near


def run_argument(record: SweepRecord) -> str:
    """How a command line names this run from here: by its name where it lies under ./runs, else by its path."""
    if not record.path or os.path.abspath(record.path) == os.path.join(os.getcwd(), "runs", record.run):  # noqa: PTH100, PTH109, PTH118
        return record.run
    return record.path
