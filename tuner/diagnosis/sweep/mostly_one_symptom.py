"""Mostly one symptom: a third or more of the trials share one.

Question  What does the space as a whole do wrong, and where in it?
Formula   share = trials with the verdict / trials with any verdict but unknown. For each numeric parameter that the
          symptom's remedies name: the chance of so many of them in the half of the range that the remedy leads away
          from, were they spread as all judged trials are (hypergeometric).
Units     share: no unit; chance: probability.
Hit       share of SHARE or more, among at least FEW trials with a verdict. A bound moves to the middle of the trials
          where that chance is below CHANCE and the best trial stays inside. Where EVERYWHERE of the trials or more have
          the symptom, the range itself is misplaced: its bound moves as far as the remedy would take the outermost of
          them, unless that trial is not in the outer OUTER of the range or a trial diverged in that half. Where even
          the best trial has learnt next to NOTHING, that it is the best says nothing, and the other bound moves to
          the middle of the range.
          Else the remedy is words.
          Trials that a scheduler pruned are not counted as undertrained: that is what it pruned them for.
Source    Google's tuning playbook: look at all trials' curves, not only the best one's.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from tuner.diagnosis.plain import percent
from tuner.diagnosis.sweep.diverges_above import is_diverged
from tuner.diagnosis.sweep.out_of_memory import no_larger
from tuner.diagnosis.sweep.placing import at, hypergeometric, number, of, place
from tuner.records.finding import HEALTHY, UNKNOWN, Finding, Remedy
from tuner.records.trial import PRUNED, ParameterRecord, SweepRecord, TrialRecord

SHARE = 1 / 3
FEW = 6
CHANCE = 0.01
EVERYWHERE = 0.75
OUTER = 0.5
NOTHING = ("not_learning", "underfitting", "slow_learning", "diverged")


def find(record: SweepRecord) -> list[Finding]:
    judged = [t for t in record.trials if t.ending is not None and t.verdict not in (None, UNKNOWN)]
    judged = [t for t in judged if not _only_pruned(t)]
    counted = Counter(str(t.verdict) for t in judged if t.verdict != HEALTHY)
    if len(judged) < FEW or not counted:
        return []
    symptom, count = counted.most_common(1)[0]
    share = count / len(judged)
    if share < SHARE:
        return []
    says = f"{count} of {len(judged)} judged trials ({percent(share)}) are {symptom.replace('_', ' ')}"
    sample = next(t for t in judged if t.verdict == symptom)
    remedies = sample.diagnosis.findings[0].remedies if sample.diagnosis and sample.diagnosis.findings else ()
    return [
        Finding(
            "mostly_one_symptom",
            min(0.97, 0.5 + share / 2 + len(judged) / 400),
            says,
            evidence={"trials": count, "judged": len(judged), "share": share},
            remedies=tuple(bound for r in remedies for bound in _remedy(r, symptom, judged, record)),
        )
    ]


def _only_pruned(trial: TrialRecord) -> bool:
    return trial.verdict == "undertrained" and trial.ending == PRUNED


def _remedy(remedy: Remedy, symptom: str, judged: list[TrialRecord], record: SweepRecord) -> list[Remedy]:
    """Bounds of the space where the trials show that it helps; else the direction in words, or the words alone."""
    old, new = number(remedy.old), number(remedy.new)
    if old is None or new is None:
        return [Remedy(remedy.change, remedy.because, remedy.source)]
    upwards = new > old
    for parameter in record.parameters:
        if parameter.name == remedy.change and parameter.kind in ("float", "int"):
            bound = _bound(parameter, upwards, symptom, judged, record)
            bounds = [bound] if bound is not None else _beyond(parameter, upwards, symptom, judged, record)
            if bounds:
                return bounds
    return [Remedy(f"{remedy.change}: {'higher' if upwards else 'lower'}", remedy.because, remedy.source)]


def _bound(
    parameter: ParameterRecord, upwards: bool, symptom: str, judged: list[TrialRecord], record: SweepRecord
) -> Remedy | None:
    placed = [(p, t.verdict == symptom) for t in judged if (p := of(t, parameter)) is not None]
    best = of(record.best, parameter) if record.best is not None else None
    if len(placed) < 2 * FEW or best is None:
        return None
    middle = float(np.median([p for p, _ in placed]))
    away = [bad for p, bad in placed if (p < middle if upwards else p > middle)]
    chance = hypergeometric(sum(away), len(away), sum(bad for _, bad in placed), len(placed))
    value = at(parameter, middle)
    beyond = best < middle if upwards else best > middle
    if not away or chance > CHANCE or beyond or math.isclose(value, float(parameter.low or 0.0)):
        return None
    side, old = ("low", parameter.low) if upwards else ("high", parameter.high)
    says = (
        f"{sum(away)} of {len(away)} trials {'below' if upwards else 'above'} {value:g} are "
        f"{symptom.replace('_', ' ')}, {sum(bad for _, bad in placed) - sum(away)} of {len(placed) - len(away)} others"
    )
    return Remedy(f"space.{parameter.name}.{side}", says, "Google's tuning playbook", old, value)


def _beyond(
    parameter: ParameterRecord, upwards: bool, symptom: str, judged: list[TrialRecord], record: SweepRecord
) -> list[Remedy]:
    """The bounds of a range on which nearly all trials have the symptom, as far on as the remedy leads."""
    bad = [t for t in judged if t.verdict == symptom]
    if upwards and parameter.name in no_larger(record):
        return []
    if len(bad) < EVERYWHERE * len(judged) or parameter.low is None or parameter.high is None:
        return []

    def depth(trial: TrialRecord) -> float:
        """0 at the bound in question, 1 at the other one."""
        where = of(trial, parameter)
        return math.inf if where is None else 1 - where if upwards else where

    outermost = min(bad, key=depth)
    lost = symptom != "diverged" and any(is_diverged(t) and depth(t) <= 0.5 for t in record.trials)
    if lost or depth(outermost) > OUTER:
        return []
    there, asked = of(outermost, parameter), _asked(outermost, parameter)
    if there is None or asked is None:
        return []
    aimed = place(parameter, asked)
    if aimed is None or (aimed <= there if upwards else aimed >= there):
        return []
    old, new = (
        (parameter.high, at(parameter, 1 + aimed - there)) if upwards else (parameter.low, at(parameter, aimed - there))
    )
    if not upwards and not parameter.log:
        new = max(new, min(old, 0.0))
    if new == old:
        return []
    side, bound, other, half = ("high", "upper", "low", "lower") if upwards else ("low", "lower", "high", "upper")
    says = f"{len(bad)} of {len(judged)} judged trials are {symptom.replace('_', ' ')}, up to the {bound} bound {old:g}"
    moved = [Remedy(f"space.{parameter.name}.{side}", says, "Google's tuning playbook", old, new)]
    best = record.best.verdict if record.best is not None else None
    if symptom in ("not_learning", "diverged") and best in NOTHING:
        because = f"{says}, and the best trial has learnt next to nothing: the {half} half holds nothing good"
        back, middle = parameter.low if upwards else parameter.high, at(parameter, 0.5)
        moved.append(Remedy(f"space.{parameter.name}.{other}", because, "Google's tuning playbook", back, middle))
    return moved


def _asked(trial: TrialRecord, parameter: ParameterRecord) -> float | None:
    """Where the trial's own remedy would set the parameter."""
    remedies = trial.diagnosis.findings[0].remedies if trial.diagnosis and trial.diagnosis.findings else ()
    return next((number(r.new) for r in remedies if r.change == parameter.name), None)
