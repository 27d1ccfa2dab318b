"""The figures of `diagnosis.py` as tables for a terminal."""

from __future__ import annotations

from typing import Any

Numbers = dict[str, Any]

COLUMNS = (
    ("accepted", "accepted"),
    ("strict", "strict"),
    ("f1_overfitting", "F1 over"),
    ("f1_underfitting", "F1 under"),
)
NAME, CASE, LEAD = 28, 14, 35


def number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)


def compared(title: str, table: dict[str, Numbers]) -> str:
    """One row for each who answered."""
    count = max(row["n"] for row in table.values())
    rows = [f"\n{title}: {count} histories", f"{'':{NAME}}" + "".join(f"{head:>10}" for _, head in COLUMNS)]
    for name, row in table.items():
        rows.append(f"{name:{NAME}}" + "".join(f"{number(row[key]):>10}" for key, _ in COLUMNS))
    return "\n".join(rows)


def confusion(counts: dict[str, dict[str, int]]) -> str:
    verdicts = [*counts, *sorted({verdict for row in counts.values() for verdict in row} - set(counts))]
    rows = ["\nConfusion: planted cause (row), verdict (column)", f"{'':32}" + "".join(f"{v[:6]:>7}" for v in verdicts)]
    for cause, row in counts.items():
        rows.append(f"{cause:32}" + "".join(f"{row.get(verdict) or '.':>7}" for verdict in verdicts))
    return "\n".join(rows)


def per_symptom(symptoms: dict[str, Numbers]) -> str:
    rows = ["\nOf all findings: precision, said and acceptable; recall, planted and said"]
    rows.append(f"{'symptom':32} precision    recall        F1   planted      said")
    for name, row in symptoms.items():
        shares = "".join(f"{number(row[key]):>10}" for key in ("precision", "recall", "f1"))
        rows.append(f"{name:31}{shares}{row['planted']:10d}{row['said']:10d}")
    return "\n".join(rows)


def false_alarms(found: Numbers) -> str:
    healthy, wrong, other = found["healthy"], found["not_acceptable"], found["not_healthy"]
    share = wrong / max(healthy, 1)
    return f"\nFalse alarms on {healthy} healthy: {wrong} not acceptable ({share:.1%}), {other} anything but healthy"


def calibration(found: Numbers) -> str:
    sure = found["sure"]
    rows = ["\nCalibration: of findings said with a confidence of ..., how many hold"]
    rows.append(f"said with {sure['from']:.2f} or more: {number(sure['hold'], '.3f')} of {sure['n']} hold")
    for name, bins in (("all", found["all"]), *found["symptoms"].items()):
        rows.append(name)
        rows += [
            f"  {b['from']:.2f}-{b['to']:.2f}  said {b['said']:.2f}  hold {b['hold']:.2f}  n {b['n']}" for b in bins
        ]
    return "\n".join(rows)


def ahead(found: dict[str, Numbers]) -> str:
    """Our figure less that of the best rival, who is named; behind where it is below 0."""
    heads = (("accepted", "accepted"), ("f1_overfitting", "F1 over"), ("f1_underfitting", "F1 under"))
    rows = ["\nOurs less the best rival's", f"{'':{CASE}}" + "".join(f"{head:>{LEAD}}" for _, head in heads)]
    for case, row in found.items():
        cells = (f"{row[key]['best_rival']} {row[key]['by']:+.3f}" if row[key] else "–" for key, _ in heads)
        rows.append(f"{case:{CASE}}" + "".join(f"{cell:>{LEAD}}" for cell in cells))
    leads = [cell["by"] for row in found.values() for cell in row.values() if cell]
    in_front = sum(lead > 0 for lead in leads)
    rows.append(f"ahead in {in_front} of {len(leads)}, by {min(leads):+.3f} at the least")
    return "\n".join(rows)
