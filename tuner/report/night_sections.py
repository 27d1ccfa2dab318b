"""The parts of a night's page that are text: verdict, what changed, control trials, remarks, how trials ended, nights.

Whatever a user named or wrote goes through `shown`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tuner.records.night import SKIPPED, Change, NightBest, NightRecord
from tuner.records.trial import ENDINGS
from tuner.report.night_chart import page_of
from tuner.report.night_history import (
    DETAIL,
    change_told,
    control_told,
    effect_told,
    name_of,
    seed_values,
    signed,
    state_told,
    way,
)
from tuner.report.page_sections import escape
from tuner.report.wording import NOTHING, count, duration, number, printable, scalar

COMMITS = 3
"""That are shown at once."""
CHANGES = 8
"""That are shown at once."""
ROWS = 14
"""Nights that are shown at once."""
KINDS = ("code", "data", "configuration", "packages", "machine")
TITLES = ("date", "verdict", "control", "best", "worse by", "trials", "failed", "took", "GPU hours")
NUMBERS = ("control", "best", "worse by", "trials", "failed", "took", "GPU hours")


def shown(text: object) -> str:
    """A user's text on one line of the page."""
    return escape(printable(text))


def header(record: NightRecord) -> str:
    facts = [shown(record.date), f"night <code>{shown(record.id)}</code>"]
    if record.seconds:
        facts.append(f"took {duration(record.seconds)}")
    if record.gpu_hours:
        facts.append(f"{number(record.gpu_hours, 3)} GPU hours")
    return f'<h1>{shown(record.sweep)}</h1><p class="soft">{", ".join(facts)}</p>'


def answer(record: NightRecord, nights: Sequence[NightRecord], mark: str) -> str:
    """The verdict in large with its sentence and figures."""
    judged, metric = record.judgement, shown(record.metric)
    figures = [(control_told(record), f"{metric} of the control")]
    if judged.reference is not None:
        figures.append((number(judged.reference), "reference"))
    if judged.effect is not None and math.isfinite(judged.effect):
        interval = "" if judged.interval is None else f", 95 %: {' to '.join(way(end) for end in judged.interval)}"
        figures.append((way(judged.effect), f"than the reference{interval}"))
    if judged.threshold is not None:
        figures.append((f"± {number(judged.threshold, 3)}", "threshold"))
    if judged.noise is not None:
        figures.append((number(judged.noise, 3), "noise between seeds (standard deviation)"))
    items = "".join(f"<li><b>{value}</b>{what}</li>" for value, what in figures) if judged.tonight is not None else ""
    state = state_told(nights)
    return (
        f'<div class="card night"><h2 id="answer-title" class="big">{mark}</h2>'
        f'<p class="why">{shown(judged.why)}</p>'
        + (f"<p>{shown(state)}</p>" if state else "")
        + (f'<ul class="counts small">{items}</ul>' if items else "")
        + "</div>"
    )


def changed(record: NightRecord, nights: Sequence[NightRecord]) -> str:
    """What is otherwise than in the last good night, code first."""
    since = next((night for night in nights if night.id == record.since), None)
    if record.since is None:
        body = "<p>There is no good night before this one to compare with.</p>"
        return f'<div class="card"><h2>What changed</h2>{body}</div>'
    name = (
        f"the last good night, {_link(since, nights)}" if since is not None else f"<code>{shown(record.since)}</code>"
    )
    if not record.changes:
        same = "Nothing that is recorded: code, data, configuration, packages and machine are the same."
        return f'<div class="card"><h2>What changed</h2><p>Since {name}: {same}</p></div>'
    order = {kind: place for place, kind in enumerate(KINDS)}
    ranked = sorted(record.changes, key=lambda change: order.get(change.kind, len(KINDS)))
    items = [f"<li>{_change(change)}</li>" for change in ranked]
    told = f'<ul class="findings tight">{"".join(items[:CHANGES])}</ul>'
    if len(items) > CHANGES:
        rest = f'<ul class="findings tight">{"".join(items[CHANGES:])}</ul>'
        told += f"<details><summary>and {count(len(items) - CHANGES, 'other change')}</summary>{rest}</details>"
    return f'<div class="card"><h2>What changed</h2><p>Since {name}:</p>{told}</div>'


def _change(change: Change) -> str:
    told = f"<b>{shown(change_told(change))}</b>"
    if change.old or change.new:
        told += f": <code>{shown(change.old) or NOTHING}</code> → <code>{shown(change.new) or NOTHING}</code>"
    lines = [f"<li>{shown(line)}</li>" for line in change.details]
    if len(lines) <= COMMITS + 1:
        return told + (f"<ul>{''.join(lines)}</ul>" if lines else "")
    rest = f"<details><summary>and {len(lines) - COMMITS} more</summary><ul>{''.join(lines[COMMITS:])}</ul></details>"
    return f"{told}<ul>{''.join(lines[:COMMITS])}</ul>{rest}"


def controls_table(record: NightRecord, nights: Sequence[NightRecord]) -> str:
    """A row a seed, beside the accepted night's value on it."""
    accepted = next((night for night in nights if night.id == record.reference and night.id != record.id), None)
    before = {} if accepted is None or accepted.key != record.key else seed_values(accepted)
    if not record.controls:
        return "<p>No control was trained tonight.</p>"
    rows, sign = [], 1 if record.mode == "min" else -1
    for one in record.controls:
        old = before.get(one.seed)
        value = seed_values(record).get(one.seed)
        worse = None if old is None or value is None else (value - old) * sign
        pace = NOTHING if one.seconds_per_epoch is None else f"{number(one.seconds_per_epoch, 3)} s"
        cells = [str(one.seed), number(one.value), *([number(old), signed(worse)] if before else []), pace]
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        ending = shown(one.ending or "not ended") + (f": {shown(one.reason)}" if one.reason else "")
        rows.append(f'<tr><td>{shown(one.trial)}</td>{numbers}<td class="reason">{ending}</td></tr>')
    reference = (f"accepted night, {shown(accepted.date)}", "worse by") if accepted is not None and before else ()
    heads = [("trial", False), *((name, True) for name in ("seed", shown(record.metric), *reference, "an epoch took"))]
    return table([*heads, ("ending", False)], rows)


def control_settings(record: NightRecord) -> str:
    items = "".join(f"<dt>{shown(name)}</dt><dd>{shown(value)}</dd>" for name, value in record.control.items())
    return f'<details><summary>The control configuration</summary><dl class="settings">{items}</dl></details>'


def best(found: NightBest | None, record: NightRecord, mark: str) -> str:
    if found is None:
        return "<p>The search found no best configuration tonight.</p>"
    seeds = f", the mean over {count(len(found.seeds), 'further seed')}" if found.seeds else ""
    values = f" ({', '.join(number(value) for value in found.seeds)})" if found.seeds else ""
    effect = record.judgement.best_effect
    against = "" if effect is None else f'<p class="soft">{way(effect)} than in the comparable nights.</p>'
    items = "".join(f"<dt>{shown(name)}</dt><dd>{escape(scalar(value))}</dd>" for name, value in found.config.items())
    return (
        f"<p>{shown(record.metric)} <b>{number(found.value)}</b>{seeds}{values}: trial {shown(found.trial)}, {mark}</p>"
        f'{against}<dl class="settings">{items}</dl>'
    )


def remarks(record: NightRecord) -> str:
    items = "".join(f"<li>{shown(text)}</li>" for text in (*record.judgement.remarks, *record.notes))
    return (
        f'<ul class="findings">{items}</ul>' if items else "<p>Nothing else stands out from the comparable nights.</p>"
    )


def trials(record: NightRecord, marks: Mapping[str, str]) -> str:
    """The search's trials by ending and by diagnosis."""
    total = record.trials.get("total", 0)
    if not total:
        return "<p>The search trained no trial tonight.</p>"
    endings = "".join(
        f"<li><b>{record.trials[ending]}</b>{ending}</li>" for ending in ENDINGS if record.trials.get(ending)
    )
    ranked = sorted(record.verdicts.items(), key=lambda item: -item[1])
    diagnoses = "".join(f"<li><b>{amount}</b>{marks[verdict]}</li>" for verdict, amount in ranked if amount)
    trained = f", {duration(record.training_seconds)} of training" if record.training_seconds else ""
    return (
        f"<p>{count(total, 'trial')}{trained}.</p><h3>By ending</h3>"
        f'<ul class="counts small">{endings}</ul><h3>By diagnosis</h3><ul class="counts small">{diagnoses}</ul>'
    )


def nights_section(record: NightRecord, nights: Sequence[NightRecord], marks: Mapping[str, str]) -> str:
    """The last nights, newest first."""
    shown_nights = list(reversed(nights[-DETAIL:]))
    rows = [_night_row(night, record, nights, marks) for night in shown_nights]
    told = f"The last {DETAIL} of {len(nights)} nights, newest first." if len(nights) > DETAIL else "Newest first."
    if any(night.key != record.key for night in shown_nights):
        told += " * had another control, task, metric, split or number of epochs: it is not comparable."
    heads = [(f"{name} (95 % interval)" if name == "worse by" else name, name in NUMBERS) for name in TITLES]
    more = ""
    if len(rows) > ROWS + 1:
        before = f"The {len(rows) - ROWS} nights before them"
        more = f'<details class="before"><summary>{before}</summary>{table(heads, rows[ROWS:])}</details>'
        rows = rows[:ROWS]
    return f'<p class="soft">{told}</p>{table(heads, rows)}{more}'


def _night_row(night: NightRecord, record: NightRecord, nights: Sequence[NightRecord], marks: Mapping[str, str]) -> str:
    here = night.id == record.id
    name = f"<b>{shown(name_of(night, nights))}</b>" if here else _link(night, nights)
    told = [control_told(night), NOTHING if night.best is None else number(night.best.value), effect_told(night)]
    total, failed = night.trials.get("total"), night.trials.get("failed")
    told += [number(total), number(failed if total else None), duration(night.seconds), number(night.gpu_hours, 3)]
    accepted = ' <span class="bestmark">accepted</span>' if night.id == record.reference else ""
    star = "" if night.key == record.key else " *"
    cells = "".join(f'<td class="n">{escape(cell)}</td>' for cell in told)
    look = " chosen" if here else ""
    return (
        f'<tr class="night{look}"><td>{name}{star}{accepted}</td><td>{marks[night.verdict]}</td>{cells}</tr>'
        f'<tr class="why{look}"><td colspan="{len(TITLES)}">{shown(night.judgement.why)}</td></tr>'
    )


def table(heads: Sequence[tuple[str, bool]], rows: Sequence[str]) -> str:
    """`heads`: name, already escaped, and whether numbers stand under it."""
    titles = "".join(f'<th scope="col" class="plain{" n" if right else ""}">{name}</th>' for name, right in heads)
    return (
        '<div class="scroll" tabindex="0"><table class="still">'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _link(night: NightRecord, nights: Sequence[NightRecord]) -> str:
    """Nothing was drawn of a night that was skipped."""
    name = shown(name_of(night, nights))
    return name if night.verdict == SKIPPED else f'<a href="{escape(page_of(night.id))}">{name}</a>'
