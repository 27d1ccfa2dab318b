"""The description of an MLflow run, in Markdown: of a sweep what won, what to expect and what to do; of a trial a line.

MLflow's UI draws it above everything else. Whatever a user wrote (names, values, errors) is escaped.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

from tuner.records.finding import Finding, Remedy
from tuner.records.seeds import chosen_by_mean
from tuner.records.trial import DOOMED, FAILED, SweepRecord, TrialRecord
from tuner.records.values import Scalar
from tuner.tracking.view import BEST_FIRST, BY_VERDICT, address

LONGEST = 4900
"""Characters: older servers keep 5,000 of a tag."""
TOP = 10
FINDINGS = 8
_SETTINGS, _SAYS = 160, 300
"""Characters of a configuration and of a sentence."""
_SPECIAL = re.compile(r"[\\`*{}\[\]#|~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
"""`@` would become a mention."""


def sweep_note(record: SweepRecord, experiment_id: str, abandoned: bool = False) -> str:
    """Shortened from its end until it fits: the answer is kept whole. MLflow's page shows four lines of it before
    "Show more": who won and what to expect, and the links.
    """
    if record.status == "running":
        state = "its driver died: `tuner run --resume` goes on with it" if abandoned else "it runs"
        return f"Sweep **{escaped(record.name)}**: {state}.\n\n{_table_link(experiment_id)}"
    head = [f"{_answer(record)} {_expectation(record)}".strip(), _table_link(experiment_id), _best_settings(record)]
    foot = [_endings(record), _places(record)]
    findings = _findings(record)
    rows = _rows(record)
    while True:
        parts = [*head, *(["\n".join([*_columns(record), *rows])] if rows else [])]
        parts += ["**Findings**\n\n" + "\n".join(findings)] if findings else []
        text = "\n\n".join(part for part in [*parts, *foot] if part)
        if len(text) <= LONGEST:
            return text
        if not (findings or rows):
            return text[:LONGEST]
        (findings if len(findings) > 2 or not rows else rows).pop()


def trial_note(record: TrialRecord, metric: str) -> str:
    """`overfitting since epoch 3: validation loss rose … Best val_loss 0.3 at epoch 2 of 5.`

    Nothing is bold: the runs' table shows the text as it is written.
    """
    findings = record.diagnosis.findings if record.diagnosis else ()
    parts = []
    if findings:
        first = findings[0]
        since = f" since epoch {first.since_epoch}" if first.since_epoch is not None else ""
        parts.append(f"{escaped(first.symptom)}{since}: {_sentence(first.says)}")
        parts += [_remedy(first.remedies[0]) + "."] if first.remedies else []
    elif record.verdict:
        parts.append(f"{escaped(record.verdict)}.")
    ending = str(record.ending).capitalize()
    parts.append(f"{ending}: {_sentence(record.reason)}" if record.reason else f"{ending}.")
    if record.value is not None and record.epochs:
        at = f" at epoch {record.best_epoch} of {record.epochs[-1].epoch}" if record.best_epoch is not None else ""
        parts.append(f"Best {escaped(metric)} {number(record.value)}{at}.")
    return " ".join(parts)


def escaped(text: object) -> str:
    """One line that Markdown and HTML show as it was written. The `_` inside a word means nothing to either."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(text)).strip()
    marked = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    return "".join(_ENTITIES.get(letter, letter) for letter in marked).replace("://", "&#58;//")  # no link either


def number(value: float | None) -> str:
    """Four digits; `–` where there is none."""
    if value is None:
        return "–"
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def _value(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return number(value)
    return str(value).lower() if isinstance(value, int) else escaped(value)


def _settings(config: Mapping[str, Scalar]) -> str:
    pairs: list[str] = []
    length = 0
    for name, value in config.items():
        pair = f"{escaped(name)}={_value(value)}"
        length += len(pair) + 1
        if length > _SETTINGS:
            return " ".join([*pairs, "…"])
        pairs.append(pair)
    return " ".join(pairs)


def _sentence(text: str) -> str:
    """Its end is cut off where it is long, before it is escaped, so that no escape is cut in two."""
    short = text if len(text) <= _SAYS else text[: _SAYS - 1] + "…"
    return escaped(short).rstrip(".") + "."


def _answer(record: SweepRecord) -> str:
    best = record.best
    why = f" ({record.status}: {escaped(record.reason)[:_SAYS]})" if record.reason else f" ({record.status})"
    if best is None:
        return f"**No trial has a result**{why}."
    better = "lower" if record.mode == "min" else "higher"
    verdict = f", verdict **{escaped(best.verdict)}**" if best.verdict else ""
    at = f" at epoch {best.best_epoch} of {record.max_epochs}" if best.best_epoch is not None else ""
    reached = f"{escaped(record.metric)} **{number(best.value)}**{at}, {better} is better{verdict}"
    return f"**Trial {best.trial} is the best**{why}: {reached}."


def _best_settings(record: SweepRecord) -> str:
    return "" if record.best is None else _settings(record.best.config)


def _expectation(record: SweepRecord) -> str:
    """What a training with these settings will give, by what is known of it."""
    if record.final_test is not None:
        return f"**To expect:** {_sentence(record.final_test.says)}"
    chosen = chosen_by_mean(record)
    if chosen is None or chosen.mean is None:
        said = "the best of many values is a lucky one; `search: {finalists: {top: 5, seeds: 3}}` measures how lucky"
        return f"**To expect:** a little worse than that: {said}." if record.best is not None else ""
    spread = ""
    if chosen.interval is not None:
        low, high = chosen.interval
        spread = f", 95 % interval of the mean {number(low)} to {number(high)}"
    seeds = len(chosen.values)
    return f"**To expect:** {escaped(record.metric)} {number(chosen.mean)}, the mean over {seeds} seeds{spread}."


def _columns(record: SweepRecord) -> list[str]:
    return [
        f"| trial | best {escaped(record.metric)} | at epoch | of | verdict | ending | settings |",
        "|:--|--:|--:|--:|:--|:--|:--|",
    ]


def _rows(record: SweepRecord) -> list[str]:
    sign = 1.0 if record.mode == "min" else -1.0
    able = [one for one in record.trials if one.value is not None and one.ending not in (DOOMED, FAILED)]
    able.sort(key=lambda one: (one is not record.best, sign * (one.value or 0.0), one.number))
    return [
        f"| {one.trial} | {number(one.value)} | {one.best_epoch or '–'} | {len(one.epochs)} | "
        f"{escaped(one.verdict or '–')} | {one.ending or 'runs'} | {_settings(one.config)} |"
        for one in able[:TOP]
    ]


def _findings(record: SweepRecord) -> list[str]:
    """The sweep's, then the trials' by symptom, the most frequent first."""
    found = [(finding, "the sweep") for finding in record.findings]
    counts: Counter[str] = Counter()
    clearest: dict[str, tuple[Finding, TrialRecord]] = {}
    for trial in record.trials:
        for finding in trial.diagnosis.findings if trial.diagnosis else ():
            counts[finding.symptom] += 1
            held = clearest.get(finding.symptom)
            if held is None or finding.confidence > held[0].confidence:
                clearest[finding.symptom] = (finding, trial)
    for symptom, amount in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        finding, trial = clearest[symptom]
        found.append((finding, f"{amount} of {len(record.trials)} trials, {trial.trial} the clearest"))
    return [_finding(finding, who) for finding, who in found[:FINDINGS]]


def _finding(finding: Finding, who: str) -> str:
    remedy = f" {_remedy(finding.remedies[0])}." if finding.remedies else ""
    return f"- **{escaped(finding.symptom)}** ({who}; {finding.confidence:.2f}): {_sentence(finding.says)}{remedy}"


def _remedy(remedy: Remedy) -> str:
    change = escaped(remedy.change)
    if remedy.old is not None or remedy.new is not None:
        change += f" from {_value(remedy.old)} to {_value(remedy.new)}"
    because = escaped(remedy.because[:_SAYS]).rstrip(".")
    return f"*Remedy:* {change}, since {because}" if because else f"*Remedy:* {change}"


def _endings(record: SweepRecord) -> str:
    endings = Counter(trial.ending or "running" for trial in record.trials)
    said = ", ".join(f"{amount} {ending}" for ending, amount in endings.most_common())
    epochs = sum(len(trial.epochs) for trial in record.everything)
    seconds = f", {record.seconds['total']:.0f} s" if "total" in record.seconds else ""
    return f"{len(record.trials)} trials ({said or 'none'}), {epochs} epochs{seconds}."


def _places(record: SweepRecord) -> str:
    run = record.run.replace("`", "")
    return (
        f"The report: `report.html` among the artifacts, and in the run directory `{run}` · `tuner report {run}` "
        f"draws it again, `tuner next {run}` plans the next sweep"
    )


def _table_link(experiment_id: str) -> str:
    links = (
        ("The trials as a table", address(experiment_id, BEST_FIRST)),
        ("their curves", address(experiment_id, BEST_FIRST, charts=True)),
        ("by verdict", address(experiment_id, BY_VERDICT)),
        ("curves by verdict", address(experiment_id, BY_VERDICT, charts=True)),
    )
    return " · ".join(f"[{name}]({where})" for name, where in links)
