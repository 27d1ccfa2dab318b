"""How right is the diagnosis? Acceptance, confusion, F1, false alarms and calibration on a half of the corpus.

    python benchmarks/diagnosis.py [tuning|scoring] [--rivals] [--wrong]

Accepted: the verdict is among those that a fair reader would accept (fixed when the corpus was made). Strict: it is the
planted cause. macro-F1 asks one question of each history: does it say overfitting (or any of underfitting, undertrained
and not_learning)? Histories that a fair reader might call so, but in which it was not planted, are left out of it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rivals import rules

from tuner.diagnosis import diagnose
from tuner.importers import history_from_mapping
from tuner.records.finding import Diagnosis

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"
UNDER = frozenset({"underfitting", "undertrained", "not_learning"})
NOISES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1)
LENGTHS = (5, 10, 20, 50)
NOISY_FROM = 0.04
"""From this much noise put on validation on, a fair reader may call it noisy."""

Item = dict[str, Any]
Said = list[str]


def load(half: str) -> list[Item]:
    raw = (CORPUS / f"{half}.json.gz").read_bytes()
    print(f"{half}: sha256 {hashlib.sha256(raw).hexdigest()}")
    items: list[Item] = json.loads(gzip.decompress(raw))
    return items


def curve(item: Item, name: str) -> np.ndarray:
    return np.array([float(value) for value in item[name]])


def with_noise(items: list[Item], share: float) -> list[Item]:
    if not share:
        return items
    out = []
    for number, item in enumerate(items):
        noise = np.random.default_rng(number).standard_normal(len(item["val_loss"]))
        more = ["noisy_validation"] if share >= NOISY_FROM else []
        noisy = (curve(item, "val_loss") * (1 + share * noise)).tolist()
        out.append({**item, "val_loss": noisy, "accepted": [*item["accepted"], *more]})
    return out


def of_length(items: list[Item], count: int) -> list[Item]:
    """Longer histories seen at `count` evenly spaced epochs, as if measured so."""
    out = []
    for item in items:
        length = len(item["train_loss"])
        if length < count:
            continue
        at = np.unique(np.linspace(0, length - 1, count).round().astype(int))
        names = [name for name in ("train_loss", "val_loss", "train_eval_loss") if name in item]
        cut = {name: [item[name][i] for i in at] for name in names}
        out.append({**item, **cut, "epoch": (at + 1).tolist()})
    return out


def by_step(items: list[Item]) -> list[Item]:
    return [{**item, **item["steps"]} for item in items if "steps" in item]


def ours(items: list[Item]) -> list[Diagnosis]:
    return diagnose([history_from_mapping({k: v for k, v in item.items() if v is not None}) for item in items])


def said_by(rule: Callable[..., Said], items: list[Item]) -> list[Said]:
    return [rule(curve(item, "train_loss"), curve(item, "val_loss")) for item in items]


def acceptance(items: list[Item], said: list[Said]) -> tuple[float, float]:
    """Accepted and strict shares of the first thing that is said, `healthy` where nothing is."""
    first = [names[0] if names else "healthy" for names in said]
    ok = [name in item["accepted"] for item, name in zip(items, first, strict=True)]
    strict = [name == item["cause"] for item, name in zip(items, first, strict=True)]
    return float(np.mean(ok)), float(np.mean(strict))


def macro_f1(items: list[Item], said: list[Said], names: frozenset[str]) -> float:
    truth, answer = [], []
    for item, mine in zip(items, said, strict=True):
        if item["cause"] not in names and names & set(item["accepted"]):
            continue
        truth.append(item["cause"] in names)
        answer.append(bool(names & set(mine)))
    t, a = np.array(truth), np.array(answer)
    return float(np.mean([_f1(t, a), _f1(~t, ~a)])) if t.any() and (~t).any() else float("nan")


def _f1(truth: np.ndarray, answer: np.ndarray) -> float:
    hits = int((truth & answer).sum())
    return 2 * hits / max(int(truth.sum() + answer.sum()), 1)


def said_of(diagnosis: Diagnosis) -> Said:
    names = [finding.symptom for finding in diagnosis.findings]
    return names or ([] if diagnosis.verdict == "healthy" else [diagnosis.verdict])


def summary(items: list[Item], said: list[Said]) -> str:
    if not items:
        return "no such histories"
    accepted, strict = acceptance(items, said)
    over, under = macro_f1(items, said, frozenset({"overfitting"})), macro_f1(items, said, UNDER)
    return f"{accepted:8.3f} {strict:8.3f} {over:8.3f} {under:8.3f} {len(items):6d}"


HEAD = f"{'':28s} accepted   strict  F1 over F1 under      n"


def confusion(items: list[Item], diagnoses: list[Diagnosis]) -> None:
    causes = list(dict.fromkeys(item["cause"] for item in items))
    counts = Counter((item["cause"], diagnosis.verdict) for item, diagnosis in zip(items, diagnoses, strict=True))
    verdicts = [*causes, *sorted({verdict for _, verdict in counts} - set(causes))]
    print("\nConfusion: planted cause (row), verdict (column)")
    print(" " * 32 + " ".join(f"{name[:6]:>6s}" for name in verdicts))
    for cause in causes:
        print(f"{cause:32s}" + " ".join(f"{counts[cause, name] or '.':>6}" for name in verdicts))


def per_symptom(items: list[Item], diagnoses: list[Diagnosis]) -> None:
    """Precision: said and acceptable. Recall: planted, and the verdict was acceptable and the symptom said."""
    print(f"\n{'symptom':32s} precision recall     F1  planted  said")
    for cause in dict.fromkeys(item["cause"] for item in items):
        planted = [(i, d) for i, d in zip(items, diagnoses, strict=True) if i["cause"] == cause]
        as_verdict = [i for i, d in zip(items, diagnoses, strict=True) if d.verdict == cause]
        precision = np.mean([cause in i["accepted"] for i in as_verdict]) if as_verdict else float("nan")
        found = [d.verdict == cause or any(f.symptom == cause for f in d.findings) for _, d in planted]
        recall = float(np.mean(found))
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        print(f"{cause:32s} {precision:9.3f} {recall:6.3f} {f1:6.3f} {len(planted):8d} {len(as_verdict):5d}")


def calibration(items: list[Item], diagnoses: list[Diagnosis]) -> None:
    pairs = [
        (finding.confidence, finding.symptom in item["accepted"])
        for item, diagnosis in zip(items, diagnoses, strict=True)
        for finding in diagnosis.findings
    ]
    print("\nCalibration: of findings said with a confidence of ..., how many hold")
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01)):
        inside = [(confidence, held) for confidence, held in pairs if low <= confidence < high]
        if inside:
            mean, held = np.mean(inside, axis=0)
            print(f"  {low:.2f}-{min(high, 1):.2f}  mean {mean:.2f}  hold {held:.2f}  n {len(inside)}")


def compare(name: str, items: list[Item], rivals: bool) -> None:
    print(f"\n{name}\n{HEAD}")
    print(f"{'tuner':28s} {summary(items, [said_of(d) for d in ours(items)])}")
    for other, rule in rules().items() if rivals else ():
        print(f"{other:28s} {summary(items, said_by(rule, items))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("half", nargs="?", default="scoring", choices=("tuning", "scoring"))
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--wrong", action="store_true", help="list the histories whose verdict is not accepted")
    given = parser.parse_args()
    items = load(given.half)
    sizes = [len(item["accepted"]) for item in items]
    print(f"{len(items)} histories, {np.mean(sizes):.2f} accepted verdicts each")
    diagnoses = ours(items)
    compare("As recorded", items, given.rivals)
    confusion(items, diagnoses)
    per_symptom(items, diagnoses)
    healthy = [(i, d) for i, d in zip(items, diagnoses, strict=True) if i["cause"] == "healthy"]
    alarms = sum(d.verdict not in i["accepted"] for i, d in healthy)
    strict = sum(d.verdict != "healthy" for _, d in healthy)
    print(f"\nFalse alarms on healthy: {alarms} of {len(healthy)} not acceptable, {strict} anything but healthy")
    calibration(items, diagnoses)
    for share in NOISES:
        compare(f"Validation noise {share:.0%}", with_noise(items, share), given.rivals)
    for count in LENGTHS:
        compare(f"{count} points", of_length(items, count), given.rivals)
    compare("100 points and more", [item for item in items if len(item["train_loss"]) >= 100], given.rivals)
    print(f"\nOne training loss a step\n{HEAD}")
    steps = by_step(items)
    print(f"{'tuner':28s} {summary(steps, [said_of(d) for d in ours(steps)])}")
    if given.wrong:
        for item, diagnosis in zip(items, diagnoses, strict=True):
            if diagnosis.verdict not in item["accepted"]:
                print(f"{item['id']:45s} {len(item['train_loss']):4d} {diagnosis.verdict:20s} not {item['accepted']}")


if __name__ == "__main__":
    main()
