"""A night as one HTML file that needs neither network nor script: it opens from a mail attachment.

First the verdict and what changed, then the history in which it stands, then tonight's trials, then the last nights.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tuner.records.finding import UNKNOWN
from tuner.records.night import NightRecord
from tuner.records.trial import SweepRecord
from tuner.report import night_sections
from tuner.report.html import asset
from tuner.report.night_chart import NARROW_NIGHTS, PREFIX, chart
from tuner.report.night_curves import curves
from tuner.report.night_history import DETAIL, points, until
from tuner.report.night_overview import overview
from tuner.report.night_sections import shown
from tuner.report.page_sections import escape, marks, verdict_marks
from tuner.report.verdict_style import NIGHT_STYLES, STYLES

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def night_html(
    record: NightRecord,
    nights: Sequence[NightRecord],
    sweep: SweepRecord | None = None,
    report: str | None = None,
) -> str:
    """The whole page.

    `nights`: all of the sweep, in any order; those after `record` are left out. `sweep`: the night's run, for the
    curves of its controls and of its best trial. `report`: where the run's own report lies, as seen from the page's
    folder. The pages of other nights are looked for beside this one, as `ID.html`.
    """
    told = until(record, nights)
    verdicts = [*NIGHT_STYLES, *sorted({night.verdict for night in told} - NIGHT_STYLES.keys())]
    night_rules, night_marks = marks({one: NIGHT_STYLES.get(one, STYLES[UNKNOWN]) for one in verdicts}, PREFIX)
    trial_verdicts = list(dict.fromkeys([*record.verdicts, *([record.best.verdict] if record.best else [])]))
    rules, trial_marks = verdict_marks(trial_verdicts)
    of_best = "" if record.best is None else trial_marks[record.best.verdict]
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="tuner">\n<title>{shown(record.line())}</title>',
        '<link rel="icon" href="data:,">',
        f"<style>{asset('report.css')}{asset('night.css')}{night_rules}{rules}</style>",
        '</head>\n<body>\n<a class="skip" href="#answer">To the verdict</a>',
        f'<header class="top"><div>{night_sections.header(record)}</div></header>\n<main>',
        '<section id="answer" aria-labelledby="answer-title"><div class="answer">',
        night_sections.answer(record, told, night_marks[record.verdict]),
        f"{night_sections.changed(record, told)}</div></section>",
        _section("history", "History", _history(record, told, night_marks)),
        _section("controls", "Control trials tonight", _controls(record, told, sweep)),
        _section("remarks", "Remarks", night_sections.remarks(record)),
        _section("best", "Best of the night", night_sections.best(record.best, record, of_best)),
        _section(
            "trials", "Trials of the search", night_sections.trials(record, trial_marks) + _report(record, report)
        ),
        _section("nights", "The last nights", night_sections.nights_section(record, told, night_marks)),
        "</main>\n<footer>Drawn by tuner.</footer>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _section(name: str, title: str, body: str) -> str:
    heading = f'<h2 id="{name}-title">{title}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">{heading}{body}</section>'


def _history(record: NightRecord, nights: Sequence[NightRecord], night_marks: dict[str, str]) -> str:
    """The chart of the last nights, its key, and a strip of all where there are more."""
    known = points(record, nights)
    detail = known[-DETAIL:]
    there = {point.night.verdict for point in detail}
    items = [f"<li>{mark}</li>" for verdict, mark in night_marks.items() if verdict in there]
    drawn = {"noise": any(night.judgement.noise for night in nights[-DETAIL:])}
    drawn["threshold"] = any(night.judgement.threshold for night in nights[-DETAIL:])
    drawn["95 % interval"] = any(night.judgement.interval for night in nights[-DETAIL:])
    drawn["accepted night"] = any(point.night.id == record.reference for point in detail)
    items += [f"<li>{_swatch(look)}{text}</li>" for look, text in _KEY if drawn.get(text.partition(":")[0], True)]
    more = ""
    if len(known) > DETAIL:
        more = f'<p class="soft">The last {DETAIL} of {len(known)} nights. All of them, those above shaded:</p>'
        more += overview(known, DETAIL)
        accepted = next((night for night in nights[:-DETAIL] if night.id == record.reference), None)
        more += f'<p class="soft">The accepted night is {shown(accepted.date)}.</p>' if accepted is not None else ""
    elif len(known) == 1:
        more = '<p class="soft">One night says nothing of a trend: the history begins here.</p>'
    narrow = len(detail) > NARROW_NIGHTS
    less = f'<p class="soft narrow">The last {NARROW_NIGHTS} nights; a wider window shows more.</p>' if narrow else ""
    return f'{chart(detail)}{less}<ul class="key">{"".join(items)}</ul>{more}'


_KEY = (
    ('<path class="line control" d="M1 5H33"/>', "control, over its seeds"),
    ('<circle class="seed" cx="17" cy="5" r="2.5"/>', "one seed"),
    ('<path class="interval" d="M17 0V10"/>', "95 % interval: wide with few seeds"),
    ('<path class="reference" d="M1 5H33"/>', "reference"),
    ('<rect class="band" x="1" y="0" width="32" height="10"/>', "noise: one standard deviation between seeds"),
    ('<path class="limit" d="M1 5H33"/>', "threshold: worse, and better, from here"),
    ('<circle class="accepted" cx="17" cy="5" r="4.4"/>', "accepted night"),
    ('<path class="line best" d="M1 5H33"/>', "best of the night"),
)


def _swatch(look: str) -> str:
    return f'<svg viewBox="0 0 34 10" aria-hidden="true">{look}</svg>'


def _controls(record: NightRecord, nights: Sequence[NightRecord], sweep: SweepRecord | None) -> str:
    told = night_sections.controls_table(record, nights) + night_sections.control_settings(record)
    if sweep is None:
        return told
    name = None if record.best is None else record.best.trial
    best = next((trial for trial in sweep.trials if trial.trial == name), None)
    return told + curves(sweep.controls, best, record.metric)


def _report(record: NightRecord, report: str | None) -> str:
    """Where each trial can be looked at."""
    if not record.path:
        return ""
    link = "" if report is None else f'<a href="{escape(quote(report))}">The report of the search</a> '
    return f"<p>{link}{'in' if link else 'The run lies in'} <code>{shown(record.path)}</code>.</p>"
