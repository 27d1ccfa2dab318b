"""Writes the tables and pictures of docs/diagnosis.md; its sentences stay as they are.

    python docs/write_diagnosis_page.py                            from the figures in docs/diagnosis_figures.json
    TUNER_DATA=... python docs/write_diagnosis_page.py scoring     measures them first, as benchmarks/diagnosis.py does

The pictures are histories of the tuning half of the corpus, for each symptom the one that is said most surely. What
stands between `<!-- written: NAME -->` and `<!-- end -->` is replaced.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.diagnosis import diagnose
from tuner.diagnosis.sweep import ORDER as SWEEP_FINDINGS
from tuner.diagnosis.symptoms import ORDER
from tuner.importers import history_from_mapping
from tuner.records.finding import HEALTHY, Finding

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from diagnosis_pictures import picture  # noqa: E402

PAGE = ROOT / "docs" / "diagnosis.md"
PICTURES = ROOT / "docs" / "diagnosis"
FIGURES = ROOT / "docs" / "diagnosis_figures.json"
TUNING = ROOT / "tests" / "corpus" / "tuning.json.gz"
BLOCK = re.compile(r"(<!-- written: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LENGTHS = range(14, 151)
"""Epochs of a history that makes a good picture."""
AGAINST_BASELINE = ("not_learning", "underfitting", "slow_learning", "bad_initialisation", "diverged")
PAIRS = 8

Figures = Mapping[str, Any]


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def blocks(found: Figures) -> dict[str, str]:
    """All that the figures alone decide."""
    return {
        "half": half(found),
        "symptoms": symptoms(found),
        "calibration": calibration(found),
        "calibration by symptom": by_symptom(found),
        "noise": against(found, "noise"),
        "length": against(found, "points", "a loss a step"),
        "pairs": pairs(found),
        "real runs": real_runs(found),
        "sweep": sweep(),
    }


def half(found: Figures) -> str:
    alarms, mine = found["false_alarms"], found["cases"]["noise 0%"]["tuner"]
    what = {
        "scoring": "the scoring half, whose families set no limit (a second score: the first, with 3 of 64 healthy "
        "runs called otherwise, and what was mended after it are in [the log](log.md))",
        "tuning": "**the tuning half**, which the thresholds were set on: figures on histories never seen are lower",
    }[found["half"]]
    return (
        f"Measured on {what}: {found['histories']} histories, {found['accepted_each']:.2f} accepted verdicts each "
        f"(sha256 `{found['sha256'][:12]}…`). The verdict is accepted in {mine['accepted']:.1%} and is the planted "
        f"cause itself in {mine['strict']:.1%}. Macro-F1 of overfitting {share(mine['f1_overfitting'])}, of "
        f"underfitting, undertrained and not learning together "
        f"{share(mine['f1_underfitting'])}. Of {alarms['healthy']} healthy runs "
        f"{alarms['not_acceptable']} got a verdict that is not acceptable.\n"
    )


def symptoms(found: Figures) -> str:
    rows = [
        [
            f"`{name}`",
            share(row["precision"]),
            share(row["recall"]),
            share(row["f1"]),
            str(row["planted"]),
            str(row["said"]),
        ]
        for name, row in found["symptoms"].items()
    ]
    return table(["symptom", "precision", "recall", "F1", "planted in", "said of"], rows)


def calibration(found: Figures) -> str:
    rows = [
        [f"{one['from']:.2f} to {one['to']:.2f}", share(one["said"]), share(one["hold"]), str(one["n"])]
        for one in found["calibration"]["all"]
    ]
    sure = found["calibration"]["sure"]
    return (
        table(["confidence", "said, on average", "hold", "findings"], rows)
        + f"\nOf the {sure['n']} findings said with {sure['from']:.1f} or more, {share(sure['hold'])} hold.\n"
    )


def by_symptom(found: Figures) -> str:
    rows = []
    for name, bins in found["calibration"]["symptoms"].items():
        cells = [
            f"{b['from']:.2f}–{b['to']:.2f}: said {share(b['said'])}, hold {share(b['hold'])} of {b['n']}" for b in bins
        ]
        rows.append([f"`{name}`", "; ".join(cells)])
    return table(["symptom", "confidence"], rows)


def against(found: Figures, *kinds: str) -> str:
    """Ours beside the best of the others in each figure."""
    heads = ["", "histories", "accepted", "best other", "F1 overfitting", "best other", "F1 underfitting", "best other"]
    rows = []
    for case, row in found["cases"].items():
        if not any(kind in case for kind in kinds):
            continue
        cells = [case, str(row["tuner"]["n"])]
        for key in ("accepted", "f1_overfitting", "f1_underfitting"):
            others = {name: one[key] for name, one in row.items() if name != "tuner" and one[key] is not None}
            best = max(others, key=others.__getitem__, default=None)
            cells += [share(row["tuner"][key]), f"{share(others[best])} ({best})" if best else "–"]
        rows.append(cells)
    return table(heads, rows)


def pairs(found: Figures) -> str:
    off = [
        (count, cause, verdict)
        for cause, row in found["confusion"].items()
        for verdict, count in row.items()
        if verdict != cause
    ]
    rows = [[f"`{c}`", f"`{v}`", str(n)] for n, c, v in sorted(off, key=lambda one: (-one[0], one[1:]))[:PAIRS]]
    return table(["planted", "verdict", "histories"], rows)


def real_runs(found: Figures) -> str:
    if "deepobs" not in found:
        return "Not measured: the runs were not at hand.\n"
    runs = found["deepobs"]
    tuned, over = runs["well_tuned"], runs["overfitting"]
    rows = [
        [name, f"{called['well_tuned']} ({called['well_tuned'] / tuned:.0%})", str(called["overfitting"])]
        for name, called in runs["called"].items()
    ]
    return table(["who", f"of {tuned} well-tuned runs", f"of {over} that overfit"], rows)


def sweep() -> str:
    """Name, its first line and its question, as the finding's own file says them."""
    rows = []
    for module in SWEEP_FINDINGS:
        text = module.__doc__ or ""
        says = text.split("\n", 1)[0].split(": ", 1)[1].rstrip(".")
        question = re.search(r"^Question\s+(.*?)(?=^\w+ {2,})", text, re.MULTILINE | re.DOTALL)
        rows.append([f"`{module.__name__.rsplit('.', 1)[1]}`", says, " ".join(question[1].split()) if question else ""])
    return table(["finding", "when", "the question"], rows)


def examples() -> dict[str, tuple[dict[str, Any], Finding | None]]:
    """Symptom -> the history that shows it best, without its configuration, and the finding.

    Best, in that order: planted there, the verdict, drawable, with the level it is held against, said most surely.
    """
    items = json.loads(gzip.decompress(TUNING.read_bytes()))
    plain = [{k: v for k, v in item.items() if v is not None and k != "config"} for item in items]
    best: dict[str, tuple[tuple[float, ...], dict[str, Any], Finding | None]] = {}
    for item, diagnosis in zip(plain, diagnose([history_from_mapping(item) for item in plain]), strict=True):
        drawable = len(item["train_loss"]) in LENGTHS
        for finding in diagnosis.findings or (None,):
            name, confidence = (finding.symptom, finding.confidence) if finding else (diagnosis.verdict, 1.0)
            level = name not in AGAINST_BASELINE or "baseline_loss" in item
            rank = (
                item["cause"] == name,
                diagnosis.verdict == name,
                drawable,
                level,
                -len(item["accepted"]),
                confidence,
            )
            if name in item["accepted"] and (name not in best or rank > best[name][0]):
                best[name] = (rank, item, finding)
    return {name: (item, finding) for name, (_, item, finding) in best.items()}


def pictured(found: Figures) -> tuple[dict[str, str], dict[str, str]]:
    """The blocks of the symptoms, and the pictures by file name."""
    text, drawn = {}, {}
    known = examples()
    for name in [HEALTHY, *(module.NAME for module in ORDER)]:
        item, finding = known[name]
        says = finding.says if finding else "nothing is wrong with this one"
        drawn[f"{name}.svg"] = picture(
            item, f"{name}: {says}", finding.since_epoch if finding else None, name in AGAINST_BASELINE
        )
        rows = [f"![{name}: {says}](diagnosis/{name}.svg)", ""]
        if finding:
            rows += [f"> {finding.symptom} ({finding.confidence:.0%} sure): {finding.says}", "", "What to do:", ""]
            rows += [f"{n}. **{remedy.change}**: {remedy.because}" for n, remedy in enumerate(finding.remedies, 1)]
            rows.append("")
        row = found["symptoms"].get(name)
        if row:
            rows.append(
                f"How sure: precision {share(row['precision'])}, recall {share(row['recall'])} "
                f"({row['planted']} planted, said of {row['said']})."
            )
        text[name] = "\n".join(rows) + "\n"
    return text, drawn


def written(page: str, texts: Mapping[str, str]) -> str:
    def again(block: re.Match[str]) -> str:
        return (
            block[1] + (texts[block[2]] if block[2] in texts else block[0][len(block[1]) : -len(block[3])]) + block[3]
        )

    return BLOCK.sub(again, page)


def measure(half_of_corpus: str) -> None:
    script = ROOT / "benchmarks" / "diagnosis.py"
    subprocess.run([sys.executable, script, half_of_corpus, "--out", FIGURES], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    texts, svgs = pictured(figures)
    PICTURES.mkdir(exist_ok=True)
    for file, svg in svgs.items():
        (PICTURES / file).write_text(svg, encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), blocks(figures) | texts), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: figures of the {figures['half']} half, {len(svgs)} pictures")
