"""Diverges above: the fraction that diverges rises with the learning rate.

Question  Above which learning rate do trials diverge? The same for each optimizer and batch size?
Formula   the cut c between neighbouring learning rates that puts the most trials on their own side (diverged above,
          not diverged below); p = chance of so many diverged above c, were c of no influence (hypergeometric, times
          TESTS, since the best of several cuts is judged). The same within each optimizer and batch size.
Units     c: learning rate; p: probability.
Hit       MOST of the trials above c diverged, LEAST or fewer below, with at least FEW above, and p below CHANCE.
          The cap is the highest cut of any group, and never below the best trial: a shared bound must not take from
          one optimizer what only another cannot bear. A group of FEW or more that bears it all leaves the bound alone.
Lost      a trial with that verdict; and, since a scheduler prunes within an epoch or two what the verdict takes longer
          to name, one whose last training loss is not finite or more than FAR times the start's size above the start.
Borne     by a trial that has learnt: its training loss came LEARNT below the start. One that did not is no evidence of
          either: too slow, or dead after its first steps. Where no start is known: by any that was not pruned before
          the median epoch at which the others were lost. Failed, interrupted and running trials do not count.
Source    TUM §VI; Google's tuning playbook: all trials above a value infeasible.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.diagnosis.sweep.placing import best_cut, hypergeometric, learning_rates, number, of, short
from tuner.diagnosis.sweep.standing import at_epochs
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import COMPLETED, DOOMED, PRUNED, ParameterRecord, SweepRecord, TrialRecord

MOST = 0.6
LEAST = 0.25
FAR = 1.0
LEARNT = 0.02
FEW = 3
ENOUGH = 8
CHANCE = 0.01
TESTS = 4
GROUPED_BY = ("optimizer", "batch_size")


@dataclass(frozen=True)
class Cut:
    """Where it begins, and how clearly."""

    value: float
    above: int
    lost_above: int
    below: int
    lost_below: int
    chance: float


def find(record: SweepRecord) -> list[Finding]:
    return [finding for parameter in learning_rates(record) for finding in _of(parameter, record)]


def ceilings(record: SweepRecord) -> dict[str, float]:
    """The learning rates' new upper bounds, by recorded name, where one moves."""
    moved = [remedy for finding in find(record) for remedy in finding.remedies if remedy.change.endswith(".high")]
    return {r.change.removeprefix("space.").removesuffix(".high"): float(r.new or 0.0) for r in moved}


def is_diverged(trial: TrialRecord) -> bool:
    if trial.verdict == "diverged":
        return True
    start = _start(trial)
    last = trial.epochs[-1].metrics.get("train_loss") if trial.epochs else None
    if last is None:
        return False
    return not math.isfinite(last) or (start is not None and last - start > FAR * abs(start))


def _start(trial: TrialRecord) -> float | None:
    """The loss of a network that has learnt nothing; None where it is not known."""
    facts = trial.facts
    known = [facts.initial_loss, facts.baseline_loss] if facts is not None else []
    return max((loss for loss in known if loss is not None and math.isfinite(loss)), default=None)


def _has_borne(trial: TrialRecord, usual: float) -> bool:
    """Whether the trial shows that its learning rate can be borne; `usual`: the epoch at which the others were lost."""
    start, losses = _start(trial), at_epochs(trial, "train_loss").values()
    if start is None or not losses:
        return trial.ending != PRUNED or trial.epochs[-1].epoch >= usual
    return start - min(losses) > LEARNT * abs(start)


def _of(parameter: ParameterRecord, record: SweepRecord) -> list[Finding]:
    judged = [
        t
        for t in record.trials
        if t.ending in (COMPLETED, PRUNED, DOOMED) and t.diagnosis and t.epochs and of(t, parameter) is not None
    ]
    lost_at = [t.epochs[-1].epoch for t in judged if is_diverged(t)]
    if not lost_at:
        return []
    usual = statistics.median(lost_at)
    judged = [t for t in judged if is_diverged(t) or _has_borne(t, usual)]
    whole = cut_of(judged, parameter)
    groups = _groups(judged, record)
    cuts = {name: cut for name, trials in groups.items() if (cut := cut_of(trials, parameter)) is not None}
    if whole is None:
        return [_finding(parameter, cut, name, {}, None) for name, cut in cuts.items()]
    bearing = [name for name, trials in groups.items() if name not in cuts and _bears(trials, parameter, whole.value)]
    cap = None if bearing else _cap(whole, cuts, parameter, record)
    if cap is not None and parameter.high is not None and cap[0] >= parameter.high:
        cap = None
    evidence = {f"cut at {name}": cut.value for name, cut in cuts.items()}
    return [_finding(parameter, whole, "", evidence, cap)]


def _cap(whole: Cut, cuts: Mapping[str, Cut], parameter: ParameterRecord, record: SweepRecord) -> tuple[float, str]:
    """(where the bound is to lie, why there and no lower where that is not the cut itself)."""
    found = (whole.value, "")
    for name, cut in cuts.items():
        if cut.value > found[0]:
            found = cut.value, f"; with {name} only from {cut.value:g} up"
    best = None if record.best is None else number(record.best.config.get(parameter.name))
    return (best, f"; the best trial trains at {best:g}") if best is not None and best > found[0] else found


def cut_of(trials: Sequence[TrialRecord], parameter: ParameterRecord) -> Cut | None:
    points = sorted((of(t, parameter) or 0.0, is_diverged(t), number(t.config[parameter.name]) or 0.0) for t in trials)
    total, lost = len(points), sum(bad for _, bad, _ in points)
    if total < ENOUGH or lost < FEW:
        return None
    cut = best_cut([value for value, _, _ in points], [bad for _, bad, _ in points])
    above, lost_below = total - cut, sum(bad for _, bad, _ in points[:cut])
    lost_above = lost - lost_below
    chance = min(1.0, TESTS * hypergeometric(lost_above, above, lost, total))
    if above < FEW or lost_above < MOST * above or lost_below > LEAST * cut or chance > CHANCE:
        return None
    return Cut(float(f"{points[cut][2]:.2g}"), above, lost_above, cut, lost_below, chance)


def _groups(trials: Sequence[TrialRecord], record: SweepRecord) -> dict[str, list[TrialRecord]]:
    """By optimizer and by batch size: the groups that are large enough to be judged by themselves."""
    found: dict[str, list[TrialRecord]] = {}
    for other in record.parameters:
        if short(other) in GROUPED_BY and other.kind in ("choice", "int"):
            for trial in trials:
                if other.name in trial.config:
                    found.setdefault(f"{other.name} {trial.config[other.name]}", []).append(trial)
    return {name: group for name, group in found.items() if len(group) >= ENOUGH}


def _bears(trials: Sequence[TrialRecord], parameter: ParameterRecord, value: float) -> bool:
    """Whether this group trains well above the cut that the whole sweep has."""
    above = [t for t in trials if (number(t.config[parameter.name]) or 0.0) >= value]
    return len(above) >= FEW and sum(map(is_diverged, above)) <= LEAST * len(above)


def _finding(
    parameter: ParameterRecord, cut: Cut, group: str, evidence: dict[str, float], cap: tuple[float, str] | None
) -> Finding:
    among = f" with {group}" if group else ""
    says = (
        f"{cut.lost_above} of {cut.above} trials{among} with {parameter.name} from {cut.value:g} up diverged, "
        f"{cut.lost_below} of {cut.below} below"
    )
    if cap is not None:
        value, why = cap
        remedy = Remedy(f"space.{parameter.name}.high", says + why, "TUM §VI", parameter.high, value)
    else:
        remedy = Remedy(
            f"{parameter.name} below {cut.value:g}{among}", "other trials bear more, so no bound moves", "TUM §VI"
        )
    return Finding(
        "diverges_above",
        min(0.97, 1 - cut.chance * 5),
        says,
        evidence={
            "cut": cut.value,
            "above": cut.above,
            "lost_above": cut.lost_above,
            "lost_below": cut.lost_below,
            "chance": cut.chance,
            **evidence,
        },
        remedies=(remedy,),
    )
