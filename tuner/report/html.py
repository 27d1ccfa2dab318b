"""The report as one HTML file that needs no network: it opens from a mail attachment.

The page is text first (`page_sections`), then charts: some SVG, which are there without a script, and those that answer
to the pointer, drawn by scripts from one JSON object (`page_data`). Its content
policy forbids every request, so that a name like `<script src=…>` could not fetch anything even if it were not escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from tuner.records.trial import SweepRecord
from tuner.report import (
    importance,
    losses,
    rungs_chart,
    seeds_curves,
    seeds_table,
    slices,
    symptom_multiples,
    timeline,
)
from tuner.report.page_data import page_data, script_json
from tuner.report.page_sections import TEXT, answer, endings, escape, findings, header, pictures_section, verdict_marks
from tuner.report.summary import verdict_counts

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
SCRIPTS = ("page", "legend", "curves", "axes", "parallel", "map", "table", "trial")
"""In assets/report/, in the order in which they need each other."""
MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".txt": TEXT,
}
PICTURE_BYTES = 2_000_000
"""Of all pictures together; those that do not fit are left out, and the page says so."""

CONTENTS = (
    ("answer", "Answer"),
    ("seeds", "Seeds"),
    ("curves", "Curves"),
    ("symptoms", "Symptoms"),
    ("parallel", "Parameters"),
    ("importance", "Importance"),
    ("slices", "Slices"),
    ("map", "Map"),
    ("rungs", "Rungs"),
    ("time", "Time"),
    ("losses", "Losses"),
    ("findings", "Findings"),
    ("endings", "Endings"),
    ("pictures", "Pictures"),
    ("trials", "Trials"),
    ("sweep", "Sweep file"),
)


def html(record: SweepRecord, sweep_yaml: str = "", pictures: Sequence[Path] = ()) -> str:
    """The whole page. `pictures` are files of images and of text, captioned by their names."""
    colours, marks = verdict_marks(list(verdict_counts(record)))
    shown, left_out = _read(pictures)
    metric = escape(record.metric)
    found = importance.importances(record)
    ranking = importance.ranking(record, found)
    sections = [
        answer(record, marks),
        seeds_table.section(record, seeds_curves.figures(record)),
        asset("report/curves.html"),
        symptom_multiples.section(record, marks),
        asset("report/parallel.html").replace("METRIC", metric),
        importance.section(found),
        slices.section(record, ranking),
        asset("report/map.html").replace("METRIC", metric),
        rungs_chart.section(record),
        timeline.section(record),
        losses.section(record),
        findings(record),
        endings(record),
        pictures_section(shown),
        f"<p>{left_out} pictures were too large for this page; they lie beside it.</p>" if left_out else "",
        asset("report/trials.html"),
        f'<section id="sweep"><h2>Sweep file</h2><details><summary>As it was run</summary>'
        f'<pre tabindex="0">{escape(sweep_yaml)}</pre></details></section>'
        if sweep_yaml
        else "",
    ]
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="tuner">\n<title>{escape(record.name)}: report</title>',
        '<link rel="icon" href="data:,">',
        f"<style>{asset('report.css')}{asset('charts.css')}{colours}</style>\n</head>\n<body>",
        '<a class="skip" href="#answer">To the answer</a>',
        f'<header class="top"><div>{header(record)}</div>',
        '<button type="button" id="theme">Light or dark</button></header>',
        f'<nav class="contents" aria-label="Contents">{_contents(sections)}</nav>\n<main>',
        *sections,
        "</main>\n<footer>Drawn by tuner; charts by Apache ECharts (Apache License 2.0).</footer>",
        '<aside id="trial" aria-live="polite" aria-label="Chosen trial" hidden></aside>',
        '<div id="tip" role="tooltip" hidden></div>',
        "<noscript><p>The charts and the table of trials need JavaScript; all text above does not.</p></noscript>",
        f'<script type="application/json" id="data">{script_json(page_data(record, ranking))}</script>',
        f"<script>{asset('echarts.min.js')}</script>",
        f"<script>{_scripts()}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _contents(sections: Sequence[str]) -> str:
    """Of what is there."""
    there = [(t, name) for t, name in CONTENTS if any(one.startswith(f'<section id="{t}"') for one in sections)]
    return "".join(f'<a href="#{target}">{name}</a>' for target, name in there)


@cache
def asset(name: str) -> str:
    return resources.files("tuner.report").joinpath("assets", name).read_text(encoding="utf-8")


def _scripts() -> str:
    """One script, strict from its first line on."""
    return "\n".join(asset(f"report/{name}.js") for name in SCRIPTS)


def _read(pictures: Sequence[Path]) -> tuple[list[tuple[str, str, bytes]], int]:
    shown, room = [], PICTURE_BYTES
    for path in pictures:
        media, size = MEDIA.get(path.suffix.lower()), path.stat().st_size
        if media is not None and size <= room:
            shown.append((path.stem.replace("_", " "), media, path.read_bytes()))
            room -= size
    return shown, len(pictures) - len(shown)
