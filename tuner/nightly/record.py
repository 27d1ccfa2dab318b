"""From a night's run to its record: controls, best, counts and costs, as the journal tells them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tuner.records.night import OK, Conditions, ControlResult, NightBest, NightRecord
from tuner.records.run_directory import RunDirectory
from tuner.records.seeds import chosen_by_mean
from tuner.records.trial import SweepRecord, TrialRecord
from tuner.report.summary import ending_counts, verdict_counts
from tuner.sweep import Sweep


@dataclass(frozen=True)
class Begun:
    """What is known of a night as it begins."""

    id: str
    date: str
    sweep: Sweep
    """As it runs tonight."""
    directory: RunDirectory
    control: Mapping[str, Any]
    """Empty on a first night that has none."""
    key: str
    conditions: Conditions
    state_before: str | None
    notified: str | None
    reference: str | None
    started_at: float
    notes: tuple[str, ...] = ()

    def record(self) -> NightRecord:
        """Of a night that has not ended: INCOMPLETE."""
        return NightRecord(
            id=self.id,
            date=self.date,
            sweep=self.sweep.name,
            run=self.directory.name,
            path=str(self.directory.path),
            metric=self.sweep.metric.name,
            mode=self.sweep.metric.mode,
            max_epochs=self.sweep.search.max_epochs,
            control=self.control,
            key=self.key,
            conditions=self.conditions,
            state=self.state_before or OK,
            state_before=self.state_before,
            notified=self.notified,
            reference=self.reference,
            started_at=self.started_at,
            notes=self.notes,
        )

    def filled(self, run: SweepRecord) -> NightRecord:
        """With all that the run came to; the judgement is still to come."""
        trained = run.everything
        training = sum(trial.seconds for trial in trained)
        asked = self.sweep.resources
        facts = next((trial.facts for trial in trained if trial.facts is not None), None)
        told = self.conditions
        if facts is not None:
            device = facts.device if facts.device not in (None, "cpu") else None
            machine = {**told.machine, **({"device": device} if device else {})}
            told = replace(told, data_hash=told.data_hash or facts.data_hash, machine=machine)
        return replace(
            self.record(),
            controls=tuple(_control(one) for one in run.controls),
            best=_best(run),
            conditions=told,
            trials=ending_counts(run),
            verdicts=verdict_counts(run),
            training_seconds=training,
            gpu_hours=training * asked.gpu * asked.workers / 3600,
        )


def _control(one: TrialRecord) -> ControlResult:
    seconds = [epoch.seconds for epoch in one.epochs]
    return ControlResult(
        trial=one.trial,
        seed=one.seed,
        ending=one.ending,
        value=one.value,
        seconds_per_epoch=statistics.median(seconds) if seconds else None,
        reason=one.reason,
    )


def _best(run: SweepRecord) -> NightBest | None:
    """Chosen by its mean over further seeds, where they came to their end; else by its one value, without seeds."""
    best = run.best
    if best is None or best.value is None:
        return None
    chosen = chosen_by_mean(run)
    verdict = best.verdict or "unknown"
    if chosen is None or chosen.mean is None:
        return NightBest(best.trial, best.config, best.value, (), verdict)
    return NightBest(best.trial, best.config, chosen.mean, chosen.values, verdict)
