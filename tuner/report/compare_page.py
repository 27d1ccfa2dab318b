"""Runs side by side as one HTML file that needs neither network nor script: it opens from a mail attachment.

First which is better and what differs, then the curves, then verdicts, endings, cost and the best configurations.
"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.records.comparison import Comparison, Difference, Side
from tuner.records.finding import UNKNOWN
from tuner.report import compare_rows
from tuner.report.compare_curves import curves, swatch
from tuner.report.compare_rows import MARK, Row
from tuner.report.html import asset
from tuner.report.page_sections import escape, verdict_marks
from tuner.report.summary import verdict_counts
from tuner.report.wording import printable

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def comparison_html(found: Comparison) -> str:
    """The whole page."""
    verdicts = dict.fromkeys(verdict for side in found.sides for verdict in verdict_counts(side.record))
    rules, marks = verdict_marks(list(verdicts) or [UNKNOWN])
    title = f"{len(found.sides)} runs compared: {printable(found.answer.says)}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="tuner">\n<title>{escape(title)}</title>',
        '<link rel="icon" href="data:,">',
        f"<style>{asset('report.css')}{asset('compare.css')}{rules}</style>",
        '</head>\n<body>\n<a class="skip" href="#answer">To the answer</a>',
        f'<header class="top"><div><h1>{_heading(found)}</h1></div></header>\n<main>',
        f'<section id="answer" aria-labelledby="answer-title">{_answer(found)}</section>',
        _section("differences", "What differs", _differences(found)),
        _section("curves", "How far they got", _reached(found) + curves(found)),
        _section("verdicts", "Verdicts", _verdicts(found, marks)),
        _section("endings", "How trials ended", _table(found.sides, compare_rows.endings(found), "ending")),
        _section("cost", "Cost", _table(found.sides, compare_rows.cost(found), "of all that was trained")),
        _section("best", "Best configurations", _best(found)),
        "</main>\n<footer>Drawn by tuner.</footer>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _section(name: str, title: str, body: str) -> str:
    heading = f'<h2 id="{name}-title">{title}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">{heading}{body}</section>'


def _heading(found: Comparison) -> str:
    names = dict.fromkeys(printable(side.record.name) for side in found.sides)
    return escape(" and ".join(names) if len(names) < 3 else f"{len(found.sides)} runs") + " compared"


def _answer(found: Comparison) -> str:
    said = [escape(printable(pair.says)) for pair in found.answer.pairs]
    pairs = f"<p>{said[0]}.</p>" if len(said) == 1 else f"<ul>{''.join(f'<li>{one}</li>' for one in said)}</ul>"
    caveat = f"<p>{escape(printable(found.answer.caveat))}.</p>" if found.answer.caveat else ""
    told = f'<p class="big" id="answer-title">{escape(printable(found.answer.says))}</p>'
    rows = "".join(_side(side, found.answer.leader) for side in found.sides)
    heads = "".join(f'<th scope="col" class="plain">{name}</th>' for name in ("", "run", "best", "trial"))
    notes = "".join(f"<li>{escape(printable(note))}</li>" for note in found.notes)
    return (
        f'<div class="card verdict-card">{told}{pairs if said else ""}{caveat}</div>'
        f'<div class="scroll" tabindex="0" style="margin-top:1rem"><table class="still"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{f'<ul class=soft>{notes}</ul>' if notes else ''}"
    )


def _side(side: Side, leader: str | None) -> str:
    differs = ' class="differs"' if side.label == leader else ""
    return (
        f'<tr{differs}><th scope="row">{swatch(side)} <b>{side.label}</b></th>'
        f"<td>{escape(printable(side.name))}</td><td>{escape(compare_rows.value_told(side))}</td>"
        f"<td>{escape(compare_rows.best_told(side))}</td></tr>"
    )


def _differences(found: Comparison) -> str:
    same = compare_rows.same_told(found)
    told = f'<p class="soft">{escape(same)}</p>' if same else ""
    if not found.differs:
        return f"<p>Nothing differs, of what is known.</p>{told}"
    packages, more = compare_rows.packages_told(found.packages)
    parts = [
        ("", found.settings),
        ("code, data and machine", found.conditions),
        ("packages", packages),
        ("of the run itself", found.of_the_run),
    ]
    rows = "".join(_part(title, some, len(found.sides)) for title, some in parts if some)
    labels = "".join(f'<th scope="col" class="plain">{side.label}</th>' for side in found.sides)
    return (
        '<div class="scroll" tabindex="0"><table class="still"><thead><tr><th scope="col" class="plain">path</th>'
        f"{labels}</tr></thead><tbody>{rows}</tbody></table></div>"
        + (f'<p class="soft">{escape(more)}</p>' if more else "")
        + told
    )


def _part(title: str, rows: Sequence[Difference], sides: int) -> str:
    head = f'<tr class="part"><th colspan="{sides + 1}" class="plain">{title}</th></tr>' if title else ""
    return head + "".join(
        f'<tr><th scope="row"><code>{escape(printable(row.what))}</code></th>'
        + "".join(f"<td><code>{escape(printable(told))}</code></td>" for told in row.told)
        + "</tr>"
        for row in rows
    )


def _reached(found: Comparison) -> str:
    said = compare_rows.further(found)
    rows = compare_rows.reached(found)
    return (f"<p>{escape(said)}</p>" if said else "") + (_table(found.sides, rows, "best so far") if rows else "")


def _verdicts(found: Comparison, marks: dict[str, str]) -> str:
    """A table by verdict, with its mark; and what the test says."""
    told = printable(found.mix.says)
    rows = compare_rows.verdicts(found)
    names = dict.fromkeys(verdict for side in found.sides for verdict in verdict_counts(side.record))
    return f"<p>{escape(told[:1].upper() + told[1:])}.</p>" + _table(
        found.sides, rows, "verdict", [marks[name] for name in names]
    )


def _best(found: Comparison) -> str:
    rows = compare_rows.configurations(found)
    if not rows:
        return "<p>No best configuration has a parameter.</p>"
    names = [f"{MARK if row.differs else ''} <code>{escape(row.name)}</code>" for row in rows]
    return _table(found.sides, rows, "parameter", names, marked=True) + f'<p class="soft">{MARK}: not the same.</p>'


def _table(
    sides: Sequence[Side], rows: Sequence[Row], what: str, names: Sequence[str] = (), *, marked: bool = False
) -> str:
    """`names`: the rows' names as HTML, where they are more than text."""
    if not rows:
        return "<p>There is nothing to show.</p>"
    labels = "".join(f'<th scope="col" class="plain{"" if marked else " n"}">{side.label}</th>' for side in sides)
    shown = names or [escape(row.name) for row in rows]
    body = "".join(
        f'<tr{" class=differs" if marked and row.differs else ""}><th scope="row">{name}</th>'
        + "".join(f"<td{'' if marked else ' class=n'}>{escape(cell)}</td>" for cell in row.cells)
        + "</tr>"
        for row, name in zip(rows, shown, strict=True)
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="still"><thead><tr><th scope="col" class="plain">{what}</th>'
        f"{labels}</tr></thead><tbody>{body}</tbody></table></div>"
    )
