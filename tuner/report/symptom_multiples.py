"""Each symptom by the trial that shows it most clearly: its curves, and a mark where it begins."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.records.trial import SweepRecord, TrialRecord
from tuner.report.matter import Matter, symptoms
from tuner.report.page_sections import escape
from tuner.report.small_chart import Mark, curve, draw
from tuner.report.tables import LOSSES
from tuner.report.verdict_style import styles
from tuner.report.wording import count, number, printable

MOST = 12
"""Symptoms that are drawn, the most frequent first."""


def section(record: SweepRecord, marks: Mapping[str, str]) -> str:
    """Empty where no trial shows any. `marks`: a verdict as HTML, with its shape."""
    found = symptoms(record)
    figures = [figure for matter in found[:MOST] if (figure := _figure(matter, record, marks))]
    if not figures:
        return ""
    more = len(found) - MOST
    return (
        '<section id="symptoms" aria-labelledby="symptoms-title"><h2 id="symptoms-title">Symptoms</h2>'
        "<p>Each by the trial that shows it most clearly, with a line where it begins.</p>"
        f'<div class="multiples">{"".join(figures)}</div>'
        + (f'<p class="soft">{count(more, "rarer symptom")} more in the findings.</p>' if more > 0 else "")
        + "</section>"
    )


def drawn(trial: TrialRecord, metric: str) -> list[str]:
    """The losses where there are any; else the sweep's metric."""
    there = {name for epoch in trial.epochs for name in epoch.metrics}
    return [name for name in LOSSES if name in there] or [metric]


def _figure(matter: Matter, record: SweepRecord, marks: Mapping[str, str]) -> str:
    trial, finding = matter.clearest, matter.finding
    if trial is None:
        return ""
    style = styles([finding.symptom])[finding.symptom]
    since = finding.since_epoch
    at = [] if since is None else [Mark(since, f"since epoch {since}", style.shape)]
    names = drawn(trial, record.metric)
    value = "" if trial.value is None else f", best {record.metric} {number(trial.value)} at epoch {trial.best_epoch}"
    told = f"trial {trial.trial}: {', '.join(names)} over {count(len(trial.epochs), 'epoch')}{value}; {finding.says}"
    picture = draw([curve(trial, name) for name in names], told, at)
    if not picture:
        picture = f'<p class="soft">No value of {escape(printable(", ".join(names)))} is finite.</p>'
    of = f"{count(matter.trials, 'trial')} of {len(record.trials)}"
    name = marks.get(finding.symptom) or escape(printable(finding.symptom))
    return (
        f'<figure class="multiple"><figcaption><b>{name}</b> <span class="soft">{of};</span> '
        f'<button type="button" data-trial="{escape(trial.trial)}">trial {escape(trial.trial)}</button></figcaption>'
        f'{picture}<p class="soft">{escape(printable(finding.says))}</p></figure>'
    )
