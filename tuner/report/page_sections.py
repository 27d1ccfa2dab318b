"""The parts of the HTML report that are text: the answer, the findings, how trials ended. They need no script.

Whatever a user named or wrote goes through `escape`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape as _escape

from tuner.records.finding import UNKNOWN, Remedy
from tuner.records.trial import DOOMED, ENDINGS, SweepRecord, TrialRecord
from tuner.report import evidence, expected, seeds_table, units
from tuner.report.matter import Matter, failures, findings_that_matter, next_step, symptoms
from tuner.report.summary import ending_counts, epochs_saved
from tuner.report.verdict_style import SHAPES, VerdictStyle, styles
from tuner.report.wording import count, duration, number, percent, scalar, sentence

SAID_OF_STATUS = {
    "finished": "finished",
    "stopped": "stopped before its end",
    "failed": "failed",
    "running": "not ended: its driver is running or was killed",
}

SOURCES = (
    "In brackets the source of a remedy: B, Boudart, introduction to deep learning, course 2 (after Brownlee 2019); T "
    "and TUM, the summary of TU Munich's Introduction to Deep Learning; the number is the section."
)
NUMBERS = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(st|nd|rd|th)?")

TEXT = "text/plain"


def escape(text: object) -> str:
    return _escape(str(text), quote=True)


def header(record: SweepRecord) -> str:
    """Name, run, when and how long."""
    began = datetime.fromtimestamp(record.started_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    total = record.seconds.get("total")
    facts = [
        f"run <code>{escape(record.run)}</code>",
        f"task {escape(record.task)}" if record.task else "",
        f"began {began}",
        SAID_OF_STATUS.get(record.status, record.status) + (f" ({escape(record.reason)})" if record.reason else ""),
        f"took {duration(total)}" if total else "",
    ]
    warm = "".join(f'<p class="soft">{escape(told)}</p>' for told in record.warm)
    return f'<h1>{escape(record.name)}</h1><p class="soft">{", ".join(fact for fact in facts if fact)}</p>{warm}'


def answer(record: SweepRecord, marks: Mapping[str, str]) -> str:
    """The best configuration with its verdict, and beside it what to do next."""
    return (
        '<section id="answer" aria-labelledby="answer-title"><div class="answer">'
        f'<div class="card"><h2 id="answer-title">Best configuration</h2>{_best(record, marks)}{_counts(record)}</div>'
        f'<div class="card"><h2>What to do next</h2>{_next(record)}</div></div></section>'
    )


def findings(record: SweepRecord) -> str:
    """The sweep's findings, then each symptom with its clearest trial, then what failed."""
    items = [finding_item(Matter("the sweep", finding)) for finding in record.findings]
    items += [finding_item(matter) for matter in symptoms(record)]
    items += [
        f"<li><b>{count(len(failure.trials), 'trial')} failed</b> ({_trials(failure.trials)}): "
        f"{escape(failure.reason)}</li>"
        for failure in failures(record)
    ]
    body = f'<ol class="findings">{"".join(items)}</ol>' if items else "<p>Nothing was found to be wrong.</p>"
    said = [*record.findings, *(matter.finding for matter in symptoms(record))]
    sources = {remedy.source[:1] for finding in said for remedy in finding.remedies if remedy.source}
    note = f'<p class="soft">{escape(SOURCES)}</p>' if sources & {"B", "T"} else ""
    return (
        '<section id="findings" aria-labelledby="findings-title"><h2 id="findings-title">Findings</h2>'
        f"{body}{note}</section>"
    )


def endings(record: SweepRecord) -> str:
    """How trials ended and the reasons, the most frequent first."""
    rows = []
    for ending in (*ENDINGS, None):
        trials = [trial for trial in record.trials if trial.ending == ending]
        if not trials:
            continue
        reasons: dict[str, list[str]] = {}
        for trial in trials:
            reason = _kind_of_reason(trial)
            reasons.setdefault(NUMBERS.sub("…", reason) if ending == DOOMED else reason, []).append(reason)
        told = sorted(reasons.items(), key=lambda item: -len(item[1]))
        some = "; ".join(
            f"{escape(said[0] if len(set(said)) == 1 else kind)} ({len(said)})" for kind, said in told[:5] if kind
        )
        more = f"; and {count(len(told) - 5, 'other reason')}" if len(told) > 5 else ""
        epochs = sum(len(trial.epochs) for trial in trials)
        rows.append(
            f"<tr><td>{ending or 'not ended'}</td><td class='n'>{len(trials)}</td><td class='n'>{epochs}</td>"
            f"<td class='n'>{duration(sum(trial.seconds for trial in trials))}</td>"
            f"<td class='reason'>{some}{more}</td></tr>"
        )
    heads = "".join(
        f'<th scope="col" class="plain{" n" if right else ""}">{name}</th>'
        for name, right in (("ending", 0), ("trials", 1), ("epochs", 1), ("trained for", 1), ("reasons", 0))
    )
    return (
        '<section id="endings" aria-labelledby="endings-title"><h2 id="endings-title">How trials ended</h2>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        "</div></section>"
    )


def pictures_section(pictures: Sequence[tuple[str, str, bytes]]) -> str:
    """What the task drew, or wrote, of its best trial: (caption, media type, bytes) of each."""
    if not pictures:
        return ""
    figures = "".join(
        f"<figure>{_shown(caption, media, data)}<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, media, data in pictures
    )
    return f'<section id="pictures"><h2>Pictures of the best trial</h2><div class="pictures">{figures}</div></section>'


def _shown(caption: str, media: str, data: bytes) -> str:
    if media == TEXT:
        text = escape(data.decode("utf-8", "replace"))
        return f'<pre class="wrap" tabindex="0">\n{text}</pre>'  # the first line end after <pre> is not shown
    return f'<img alt="{escape(caption)}" src="data:{escape(media)};base64,{base64.b64encode(data).decode()}">'


def verdict_marks(verdicts: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A style sheet for the marks' colours, and each verdict as its mark with the word."""
    return marks(styles(list(verdicts)), "v")


def marks(drawn: Mapping[str, VerdictStyle], prefix: str) -> tuple[str, dict[str, str]]:
    """The same for any styles; the classes are `prefix` and the style's place."""
    rules, shown = [], {}
    for place, (verdict, style) in enumerate(drawn.items()):
        name = f"{prefix}{place}"
        rules.append(f".{name}{{color:{style.light}}}:root[data-theme=dark] .{name}{{color:{style.dark}}}")
        rules.append(f"@media(prefers-color-scheme:dark){{:root:not([data-theme]) .{name}{{color:{style.dark}}}}}")
        mark = f'<svg class="{name}" viewBox="0 0 10 10" aria-hidden="true">'
        mark += f'<path fill="currentColor" d="{SHAPES[style.shape]}"/></svg>'
        shown[verdict] = f'<span class="verdict">{mark}{escape(verdict)}</span>'
    return "".join(rules), shown


def _best(record: SweepRecord, marks: Mapping[str, str]) -> str:
    best = record.best
    if best is None:
        return f"<p>No trial has a finite {escape(record.metric)}: there is no best configuration.</p>"
    row = next((row for row in best.epochs if row.epoch == best.best_epoch), None)
    others = [] if row is None else [item for item in row.metrics.items() if item[0] != record.metric]
    also = ", ".join(f"{escape(name)} {number(value)}" for name, value in others)
    settings = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(scalar(value))}</dd>" for name, value in best.config.items()
    )
    return (
        f'<p class="big">{escape(record.metric)} {number(best.value)}</p>'
        f'<p class="soft">{escape(units.metric(record.metric, record.mode))}</p>'
        f"<p>{marks[best.verdict or UNKNOWN]}, {_trials((best.trial,))}, "
        f"epoch {best.best_epoch} of {record.max_epochs}</p>"
        + _expected(record)
        + (f"<p>{escape(sentence(by_mean))}</p>" if (by_mean := seeds_table.told(record)) else "")
        + ("" if record.final_test is None else f"<p><b>Final test</b>: {escape(record.final_test.says)}</p>")
        + (f'<p class="soft">At that epoch: {also}.</p>' if also else "")
        + f'<dl class="settings">{settings}</dl>'
    )


def _expected(record: SweepRecord) -> str:
    found = expected.expected(record)
    if found is None:
        return ""
    said = "; ".join(found.because)
    because = f'<p class="soft">{_coded(sentence(said))}</p>' if said else ""
    return f'<p class="expect">{escape(expected.told(found, record.metric))}.</p>{because}'


def _coded(text: str) -> str:
    """Escaped, and what stands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _next(record: SweepRecord) -> str:
    items = [finding_item(matter, short=True) for matter in findings_that_matter(record)]
    failed = failures(record)
    if failed:
        first = failed[0]
        items.append(f"<li><b>{count(len(first.trials), 'trial')} failed</b>: {escape(first.reason)}</li>")
    step = next_step(record, record.run)
    body = f'<ul class="findings">{"".join(items)}</ul>' if items else "<p>Nothing was found to be wrong.</p>"
    command = f'<h3>Type next</h3><pre class="wrap">{escape(step.command)}</pre>'
    return f'{body}{command}<p class="soft">{escape(step.because)}</p>'


def _counts(record: SweepRecord) -> str:
    counts = ending_counts(record)
    trained, repeated = sum(len(t.epochs) for t in record.trainings), sum(t.repeated for t in record.trainings)
    asked = f" of {record.total_trials}" if record.total_trials > counts["total"] else ""
    figures = [
        (f"{counts['total']}{asked}", "trials"),
        *((str(counts[ending]), ending) for ending in ENDINGS if counts[ending]),
        (str(trained), "epochs trained"),
        (str(epochs_saved(record)), "epochs saved"),
        *([(str(repeated), "epochs trained twice")] if repeated else []),
        (duration(sum(trial.seconds for trial in record.trainings)), "training and evaluation"),
    ]
    items = "".join(f"<li><b>{amount}</b>{escape(what)}</li>" for amount, what in figures)
    return f'<ul class="counts">{items}</ul>'


def finding_item(matter: Matter, short: bool = False) -> str:
    finding = matter.finding
    sure = "" if short else f", {percent(finding.confidence)} sure"
    numbers = evidence.told(finding)
    remedies = "".join(f"<li>{_remedy(remedy)}</li>" for remedy in finding.remedies[: 1 if short else None])
    return (
        f"<li><b>{escape(finding.symptom)}</b> ({escape(matter.who)}{sure}): {escape(finding.says)}"
        + (f'<div class="soft">{escape(numbers)}</div>' if numbers and not short else "")
        + (f"<ul>{remedies}</ul>" if remedies else "")
        + "</li>"
    )


def _remedy(remedy: Remedy) -> str:
    old = f" from {escape(scalar(remedy.old))}" if remedy.old is not None else ""
    new = f" to {escape(scalar(remedy.new))}" if remedy.new is not None else ""
    source = f" [{escape(remedy.source)}]" if remedy.source else ""
    return f"<b>{escape(remedy.change)}</b>{old}{new}: {escape(remedy.because)}{source}"


def _trials(names: Sequence[str]) -> str:
    """Each opens its trial, where scripts run."""
    shown = [f'<button type="button" data-trial="{escape(name)}">trial {escape(name)}</button>' for name in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _kind_of_reason(trial: TrialRecord) -> str:
    """`3rd of 9 at epoch 3, …` is a reason of its own for each trial: told by its epoch instead."""
    if trial.rungs and trial.rungs[-1].reason == trial.reason:
        return f"stopped at epoch {trial.rungs[-1].epoch}"
    if trial.rungs and trial.rungs[-1].reason and trial.reason.endswith(trial.rungs[-1].reason):
        return f"still waited at epoch {trial.rungs[-1].epoch} when the sweep ended"
    return trial.reason
