"""From histories to diagnoses: symptoms over the whole batch, findings for the hits alone.

diagnose([History(...), ...]) -> [Diagnosis(...), ...]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from tuner.diagnosis.batch import make_batch
from tuner.diagnosis.case import Case
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import LEAST, Hits
from tuner.diagnosis.padded import Array, Bools
from tuner.diagnosis.plain import epochs
from tuner.diagnosis.symptoms import ORDER, SILENCES
from tuner.records.finding import HEALTHY, UNKNOWN, Diagnosis, Finding
from tuner.records.history import History

AT_ONCE = 1 << 20
"""Points of one padded matrix: histories of like length are taken together up to this many."""

ENOUGH = 5
"""Epochs below which a curve without any finding is `unknown`, not `healthy`."""

COMPUTED = ORDER
"""The symptoms in the order in which they are computed, which changes nothing: what is said first is ORDER's."""

CLOSE = 0.2
"""Findings that are less sure than the surest by no more than this are taken to be as sure."""


def diagnose(histories: Sequence[History]) -> list[Diagnosis]:
    """A diagnosis of each history, from its own curves alone, in the order given."""
    out: list[Diagnosis | None] = [None] * len(histories)
    lengths = [_length(history) for history in histories]
    order = sorted(range(len(histories)), key=lengths.__getitem__)
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and _together(lengths[order[start]], lengths[order[stop]], stop + 1 - start):
            stop += 1
        rows = order[start:stop]
        for row, diagnosis in zip(rows, _diagnose([histories[row] for row in rows]), strict=True):
            out[row] = diagnosis
        start = stop
    return [diagnosis for diagnosis in out if diagnosis is not None]


def _length(history: History) -> int:
    return max((len(curve) for name, curve in history.curves.items() if not name.startswith("grad")), default=0)


def _together(shortest: int, longest: int, count: int) -> bool:
    return longest <= 2 * shortest + 16 and longest * count <= AT_ONCE


def _diagnose(histories: list[History]) -> list[Diagnosis]:
    features = Features(make_batch(histories))
    with np.errstate(all="ignore"):
        hits = {module.NAME: module.find(features) for module in COMPUTED}
        notes = _notes(features)
        cut = _cut(features)
    said = _silence({name: np.where(cut, 0.0, found.confidence) for name, found in hits.items()})
    findings: list[list[Finding]] = [[] for _ in histories]
    for module in ORDER:
        name, found = module.NAME, hits[module.NAME]
        names = tuple(found.evidence)
        columns = [found.evidence[key] for key in names]
        for row in np.flatnonzero(said[name]).tolist():
            findings[row].append(_finding(module, found, names, columns, row, histories[row]))
    return [
        _diagnosis(history, tuple(mine), note) for history, mine, note in zip(histories, findings, notes, strict=True)
    ]


def _silence(confidence: dict[str, Array]) -> dict[str, Bools]:
    """Drop what a finding of the same history makes meaningless; a silenced symptom silences nothing itself, and none
    silences what is clearly surer than itself."""
    said = {name: sure >= LEAST for name, sure in confidence.items()}
    for module in ORDER:
        if not said[module.NAME].any():
            continue
        mine = confidence[module.NAME] + CLOSE
        for other in SILENCES.get(module.NAME, ()):
            said[other] &= ~(said[module.NAME] & (mine >= confidence[other]))
    return said


def _finding(
    module: ModuleType,
    found: Hits,
    names: tuple[str, ...],
    columns: list[Array],
    row: int,
    history: History,
) -> Finding:
    numbers = {key: float(column[row]) for key, column in zip(names, columns, strict=True)}
    evidence = {key: number for key, number in numbers.items() if not math.isnan(number)}
    since = float(found.since_epoch[row])
    since_epoch = None if math.isnan(since) else int(since)
    case = Case(history, evidence, since_epoch)
    return Finding(
        symptom=module.NAME,
        confidence=float(found.confidence[row]),
        says=module.says(case),
        since_epoch=since_epoch,
        evidence=evidence,
        remedies=module.remedies(case),
    )


def _notes(f: Features) -> list[str]:
    """For each history without a finding: why nothing can be said of it, or nothing."""
    points = np.where(f.has_train, f.train.n, f.val.n)
    notes = []
    for row, cut in enumerate(_cut(f).tolist()):
        if points[row] == 0 and not cut:
            note = "there is no loss curve; a training loss of 5 epochs would be enough"
        elif cut:
            note = (
                f"the last {epochs(float(f.train.curve.gap_end[row]))} of the training loss are empty, and the file "
                "cannot tell whether they were not measured or not finite"
            )
        elif points[row] < ENOUGH:
            note = f"too short to say: {epochs(float(ENOUGH - points[row]))} more would settle it"
        else:
            note = ""
        notes.append(note)
    return notes


def _cut(f: Features) -> Bools:
    """The training loss ends in gaps that may have been NaN: what came before says nothing of the end."""
    blind = np.array([history.gaps_unknown for history in f.batch.histories], bool)
    curve = f.train.curve
    return blind & (curve.gap_end > curve.gap_inner)


def _first_things_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What to do first (the findings come in that order), but nothing before what is surer by more than CLOSE."""
    surest = max(finding.confidence for finding in findings)
    return tuple(sorted(findings, key=lambda finding: finding.confidence < surest - CLOSE))


def _diagnosis(history: History, findings: tuple[Finding, ...], note: str) -> Diagnosis:
    if findings:
        ordered = _first_things_first(findings)
        return Diagnosis(history.id, ordered[0].symptom, ordered)
    return Diagnosis(history.id, UNKNOWN if note else HEALTHY, (), note)
