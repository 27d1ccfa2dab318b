"""`docs/catalogue.md` from the figures of `benchmarks/catalogue.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """# The catalogue

What can be trained as it is: each row's sweep files, what their best trials came to, and what they had to beat. Written
by `make catalogue`, which runs every one of them in one process and one thread, and computes each baseline on the same
validation examples. Times are of a busy machine with 2 cores and no GPU.

"""


def page(figures: Mapping[str, Any]) -> str:
    parts = [HEAD, *_overview(figures)]
    for name, row in figures.items():
        parts += [f"\n## {name}\n\n{row['says'][0].upper()}{row['says'][1:]}.\n\n"]
        for sweep, told in row["sweeps"].items():
            parts += _sweep(sweep, told)
        for item in row["shown"]:
            parts += [f"- {'It shows: ' if item['held'] else '**It does not show**: '}{item['says']}.\n"]
    return "".join(parts)


def _overview(figures: Mapping[str, Any]) -> list[str]:
    rows = ["| row | sweep file | metric | best trial | to beat | CPU minutes |\n|---|---|---|---|---|---|\n"]
    for name, row in figures.items():
        for sweep, told in row["sweeps"].items():
            best = _number(told["value"]) + ("" if told["better"] else " (**short**)")
            against = f"{row['beats']}: {_number(told['baselines'][row['beats']])}"
            cells = (f"[{name}](#{name})", sweep, told["metric"], best, against, f"{told['cpu_minutes']:g}")
            rows.append(f"| {' | '.join(cells)} |\n")
    return rows


def _sweep(name: str, told: Mapping[str, Any]) -> list[str]:
    config = ", ".join(
        f"{key} {_number(value) if isinstance(value, float) else value}" for key, value in told["config"].items()
    )
    others = ", ".join(f"{key} {_number(value)}" for key, value in told["baselines"].items())
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in told["verdicts"].items())
    lines = [f"`tuner run {name}`: {told['metric']} {_number(told['value'])} at epoch {told['epoch']}"]
    lines += [f", with {config}" if config else "", ".\n"]
    if told["changed"]:
        lines += [f"Run with {', '.join(f'`--set {key}={value}`' for key, value in told['changed'].items())}.\n"]
    lines += [
        f"Beside it: {others}. {told['trials']} trials, {told['epochs']:,} epochs, "
        f"{told['cpu_minutes']:g} CPU minutes.\nVerdicts: {verdicts}.\n\n"
    ]
    for picture in told["pictures"]:
        caption = picture.split(f"-{name}-", 1)[1].rsplit(".", 1)[0].replace("_", " ")
        mark = "" if picture.endswith(".txt") else "!"
        lines += [f"{mark}[{caption}](catalogue/{picture})\n\n"]
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
