"""How right were they? Acceptance, macro-F1, confusion, precision and recall, calibration; as plain numbers for JSON.

An answer is the list of what was said of a history, the first of it the verdict. Each word of it is a set of symptoms:
ours has one name in each, a rival's may have several (see `rivals.py`) and is right with any of them.

accepted    the verdict is among those that a fair reader would accept, fixed when the corpus was made
strict      the verdict is the planted cause
macro-F1    one question of each history: is overfitting said (or any of underfitting, undertrained, not_learning)? The
            mean of the F1 of yes and the F1 of no. Histories that a fair reader might call so, but in which it was not
            planted, are left out.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
from diagnosis_halves import Item
from rivals import Word

from tuner.records.finding import HEALTHY, Diagnosis

OVER = frozenset({"overfitting"})
UNDER = frozenset({"underfitting", "undertrained", "not_learning"})
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
SURE = 0.9
"""Of findings said with this confidence or more, nine in ten are to hold."""
FEWEST = 12
"""Findings that a bin of the calibration of one symptom holds at least: narrower ones are joined."""

Answer = list[Word]
Numbers = dict[str, Any]


def said_by_us(diagnosis: Diagnosis) -> Answer:
    names = [finding.symptom for finding in diagnosis.findings]
    return [frozenset({name}) for name in names or [diagnosis.verdict]]


def summary(items: list[Item], answers: list[Answer]) -> Numbers:
    """Accepted, strict, and the two macro-F1, of one who answered."""
    firsts = [answer[0] if answer else frozenset({HEALTHY}) for answer in answers]
    return {
        "accepted": _share([bool(word & set(item["accepted"])) for item, word in zip(items, firsts, strict=True)]),
        "strict": _share([item["cause"] in word for item, word in zip(items, firsts, strict=True)]),
        "f1_overfitting": macro_f1(items, answers, OVER),
        "f1_underfitting": macro_f1(items, answers, UNDER),
        "n": len(items),
    }


def macro_f1(items: list[Item], answers: list[Answer], names: frozenset[str]) -> float | None:
    """None where it was planted in all of them or in none."""
    truth, said = [], []
    for item, answer in zip(items, answers, strict=True):
        if item["cause"] not in names and names & set(item["accepted"]):
            continue
        truth.append(item["cause"] in names)
        said.append(any(names & word for word in answer))
    t, s = np.array(truth, bool), np.array(said, bool)
    return float(np.mean([_f1(t, s), _f1(~t, ~s)])) if t.any() and (~t).any() else None


def _f1(truth: np.ndarray, said: np.ndarray) -> float:
    return 2 * int((truth & said).sum()) / max(int(truth.sum() + said.sum()), 1)


def confusion(items: list[Item], diagnoses: list[Diagnosis]) -> dict[str, dict[str, int]]:
    """Planted cause -> verdict -> histories."""
    out: dict[str, Counter[str]] = {}
    for item, diagnosis in zip(items, diagnoses, strict=True):
        out.setdefault(item["cause"], Counter())[diagnosis.verdict] += 1
    return {cause: dict(counts) for cause, counts in out.items()}


def per_symptom(items: list[Item], diagnoses: list[Diagnosis]) -> dict[str, Numbers]:
    """Of all findings, the verdict and those behind it: precision, said and acceptable; recall, planted and said."""
    out = {}
    for cause in dict.fromkeys(item["cause"] for item in items):
        said = [any(cause in word for word in said_by_us(diagnosis)) for diagnosis in diagnoses]
        precision = _share([cause in item["accepted"] for item, yes in zip(items, said, strict=True) if yes])
        recall = _share([yes for item, yes in zip(items, said, strict=True) if item["cause"] == cause])
        both = (precision or 0.0) + (recall or 0.0)
        out[cause] = {
            "precision": precision,
            "recall": recall,
            "f1": 2 * (precision or 0.0) * (recall or 0.0) / both if both else 0.0,
            "planted": sum(item["cause"] == cause for item in items),
            "said": sum(said),
        }
    return out


def false_alarms(items: list[Item], diagnoses: list[Diagnosis]) -> Numbers:
    verdicts = [(i, d.verdict) for i, d in zip(items, diagnoses, strict=True) if i["cause"] == HEALTHY]
    return {
        "healthy": len(verdicts),
        "not_acceptable": sum(verdict not in item["accepted"] for item, verdict in verdicts),
        "not_healthy": sum(verdict != HEALTHY for _, verdict in verdicts),
    }


def calibration(items: list[Item], diagnoses: list[Diagnosis]) -> Numbers:
    """Of findings said with a confidence within a bin, how many hold; of all, and of each symptom alone."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for item, diagnosis in zip(items, diagnoses, strict=True):
        for finding in diagnosis.findings:
            pair = (finding.confidence, finding.symptom in item["accepted"])
            found.setdefault(finding.symptom, []).append(pair)
    everything = [pair for pairs in found.values() for pair in pairs]
    sure = [held for confidence, held in everything if confidence >= SURE]
    return {
        "sure": {"from": SURE, "hold": _share(sure), "n": len(sure)},
        "all": _bins(everything, 1),
        "symptoms": {name: _bins(found[name], FEWEST) for name in sorted(found)},
    }


def _bins(pairs: list[tuple[float, bool]], fewest: int) -> list[Numbers]:
    """From the surest down, each joined with the next until it holds enough; the rest joins the last."""
    groups: list[tuple[float, float, list[tuple[float, bool]]]] = []
    held: list[tuple[float, bool]] = []
    high = EDGES[-1]
    for low, up in reversed(list(pairwise(EDGES))):
        held += [pair for pair in pairs if low <= pair[0] < up or pair[0] == up == EDGES[-1]]
        if len(held) >= fewest:
            groups.append((low, high, held))
            held, high = [], low
    if held:
        start, top, last = groups.pop() if groups else (EDGES[0], high, [])
        groups.append((min(EDGES[0], start), top, last + held))
    out = []
    for low, up, mine in reversed(groups):
        mean, hold = np.mean(mine, axis=0).tolist()
        out.append({"from": low, "to": up, "said": mean, "hold": hold, "n": len(mine)})
    return out


def ahead(table: dict[str, Numbers], mine: str) -> Numbers:
    """Our figure less the best rival's, and whose that is, for acceptance and both macro-F1."""
    out: Numbers = {}
    for key in ("accepted", "f1_overfitting", "f1_underfitting"):
        rivals = {name: row[key] for name, row in table.items() if name != mine and row[key] is not None}
        if table[mine][key] is None or not rivals:
            out[key] = None
            continue
        best = max(rivals, key=rivals.__getitem__)
        out[key] = {"by": table[mine][key] - rivals[best], "best_rival": best}
    return out


def _share(values: list[bool]) -> float | None:
    return float(np.mean(values)) if values else None
