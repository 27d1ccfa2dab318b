"""How right is the diagnosis, and how right are others on the same curves? One run over a half of the corpus.

    TUNER_DATA=... python benchmarks/diagnosis.py [scoring|tuning] [--json] [--out FILE] [--wrong] [--alone]

`diagnosis_halves.py` reads and perturbs the corpus, `diagnosis_scores.py` says what each figure means, `rivals.py` and
`rival_packages.py` hold the others, `deepobs.py` the real runs. The scoring half is only ever scored.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import deepobs
import diagnosis_tables as tables
import numpy as np
from diagnosis_halves import LENGTHS, LONG, NOISES, Item, by_step, load, of_length, ours, shown, with_noise
from diagnosis_scores import (
    Numbers,
    ahead,
    calibration,
    confusion,
    false_alarms,
    per_symptom,
    said_by_us,
    summary,
)
from rival_packages import packages
from rivals import RULES, Rival

MINE = "tuner"


def compare(items: list[Item], rivals: dict[str, Rival]) -> dict[str, Numbers]:
    """Name -> its figures on these histories, ours first."""
    table = {MINE: summary(items, [said_by_us(diagnosis) for diagnosis in ours(items)])}
    seen = [shown(item) for item in items] if rivals else []
    return table | {name: summary(items, [rival(one) for one in seen]) for name, rival in rivals.items()}


def cases(items: list[Item]) -> dict[str, list[Item]]:
    """What the same runs look like with noise on validation, at other lengths, and logged by the step."""
    out = {f"noise {share:.0%}": with_noise(items, share) for share in NOISES}
    out |= {f"{count} points": of_length(items, count) for count in LENGTHS}
    out["a loss a step"] = by_step(items)
    return {name: some for name, some in out.items() if some}


def measure(half: str, rivals: dict[str, Rival]) -> Numbers:
    items, digest = load(half)
    diagnoses = ours(items)
    every = {name: compare(some, rivals) for name, some in cases(items).items()}
    out: Numbers = {
        "half": half,
        "sha256": digest,
        "histories": len(items),
        "accepted_each": float(np.mean([len(item["accepted"]) for item in items])),
        "confusion": confusion(items, diagnoses),
        "symptoms": per_symptom(items, diagnoses),
        "false_alarms": false_alarms(items, diagnoses),
        "calibration": calibration(items, diagnoses),
        "cases": every,
        "ahead": {name: ahead(table, MINE) for name, table in every.items()} if rivals else {},
    }
    runs = deepobs.load()
    if runs is None:
        print(f"DeepOBS is left out: TUNER_DATA names no folder with {deepobs.FILE}", file=sys.stderr)
    else:
        out["deepobs"] = deepobs.figures(runs, rivals)
    return out


def printed(found: Numbers) -> str:
    parts = [
        f"{found['half']}: sha256 {found['sha256']}\n{found['histories']} histories, "
        f"{found['accepted_each']:.2f} accepted verdicts each",
        tables.confusion(found["confusion"]),
        tables.per_symptom(found["symptoms"]),
        tables.false_alarms(found["false_alarms"]),
        tables.calibration(found["calibration"]),
        *(tables.compared(title(name), table) for name, table in found["cases"].items()),
    ]
    if "deepobs" in found:
        parts.append(deepobs.table(found["deepobs"]))
    if found["ahead"]:
        parts.append(tables.ahead(found["ahead"]))
    return "\n".join(parts)


def title(case: str) -> str:
    if case == f"noise {0:.0%}":
        return "As recorded"
    return f"{case} ({LONG} and more)" if case == f"{max(LENGTHS)} points" else case.capitalize()


def wrong(half: str) -> str:
    """The histories whose verdict is not accepted, a line each."""
    items, _ = load(half)
    rows: list[Any] = []
    for item, diagnosis in zip(items, ours(items), strict=True):
        if diagnosis.verdict not in item["accepted"]:
            rows.append(f"{item['id']:45s} {len(item['train_loss']):4d} {diagnosis.verdict:20s} not {item['accepted']}")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", nargs="?", default="scoring", choices=("scoring", "tuning"))
    parser.add_argument("--json", action="store_true", help="one object with all the figures, and nothing else")
    parser.add_argument("--out", type=Path, help="write that object to a file, beside the tables")
    parser.add_argument("--wrong", action="store_true", help="only list the histories whose verdict is not accepted")
    parser.add_argument("--alone", action="store_true", help="leave the others out: seconds, not a minute")
    given = parser.parse_args()
    if given.wrong:
        print(wrong(given.half))
        return
    found = measure(given.half, {} if given.alone else {**RULES, **packages()})
    text = json.dumps(found, indent=1)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    print(text if given.json else printed(found))


if __name__ == "__main__":
    main()
