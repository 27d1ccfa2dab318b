"""Diagnosed curves as one HTML file that needs neither network nor script: `tuner diagnose --plot`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tuner.records.finding import Diagnosis
from tuner.records.history import History
from tuner.report.curve_drawing import STYLE, draw
from tuner.report.html import asset
from tuner.report.matter import Matter
from tuner.report.page_sections import escape, finding_item, verdict_marks
from tuner.report.wording import count, printable

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
DRAWN = 500
"""Curves at most: some 20 kB each, and a person reads no more. Those with a finding come before the others then."""


def curves_page(histories: Sequence[History], found: Sequence[Diagnosis]) -> str:
    """The whole page, the curves in the given order."""
    counts = Counter(diagnosis.verdict for diagnosis in found)
    ranked = [verdict for verdict, _ in counts.most_common()]
    colours, marks = verdict_marks(ranked)
    pairs = list(zip(histories, found, strict=True))
    shown = pairs
    if len(pairs) > DRAWN:
        shown = sorted(pairs, key=lambda pair: not pair[1].findings)[:DRAWN]
    left_out = len(pairs) - len(shown)
    tally = "".join(f"<li><b>{counts[verdict]}</b> {marks[verdict]}</li>" for verdict in ranked)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="tuner">\n<title>{count(len(pairs), "curve")}, diagnosed</title>',
        f'<link rel="icon" href="data:,">\n<style>{asset("report.css")}{colours}{STYLE}</style>\n</head>\n<body>',
        f'<header class="top"><div><h1>{count(len(pairs), "curve")}, diagnosed</h1></div></header>',
        f'<main><ul class="counts">{tally}</ul>',
        f"<p>{count(left_out, 'curve')} more are not drawn; <code>--json</code> has them all.</p>" if left_out else "",
        *(_section(place, history, diagnosis, marks) for place, (history, diagnosis) in enumerate(shown)),
        "</main>\n<footer>Drawn by tuner.</footer>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _section(place: int, history: History, diagnosis: Diagnosis, marks: dict[str, str]) -> str:
    items = [
        finding_item(Matter("all epochs" if since is None else f"since epoch {since}", finding))
        for finding in diagnosis.findings
        for since in [finding.since_epoch]
    ]
    title = f'<h2 id="c{place}">{escape(printable(history.id))} {marks[diagnosis.verdict]}</h2>'
    note = f'<p class="soft">{escape(diagnosis.note)}</p>' if diagnosis.note else ""
    told = f'<ol class="findings">{"".join(items)}</ol>' if items else ""
    return f'<section aria-labelledby="c{place}">{title}{draw(history, diagnosis)}{note}{told}</section>'
