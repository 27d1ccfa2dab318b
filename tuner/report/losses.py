"""What a sweep lost on its way: workers and nodes, what was trained twice for it, which nodes were avoided.

For the page and for the terminal's end; nothing where nothing was lost.
"""

from __future__ import annotations

from html import escape

from rich.console import Group, RenderableType
from rich.text import Text

from tuner.records.epochs import EVICTED, LOST, PREEMPTED, STORAGE
from tuner.records.trial import FAILED, Loss, SweepRecord
from tuner.report.wording import count, duration, printable

TITLE = "Lost on the way"
NAMED_LOSSES = 20
"""Told one by one on the page; the others are counted."""
TRIALS = 5
"""Named of those that lost a worker; the others are counted."""
WHY = {
    LOST: "{} lost",
    PREEMPTED: "{} taken away (pre-emption, counted against no trial)",
    EVICTED: "{} ended for want of memory",
    STORAGE: "{} without storage for a checkpoint",
}


def told(record: SweepRecord) -> tuple[str, ...]:
    """One sentence a line."""
    if not record.losses and not record.avoided:
        return ()
    lines = []
    if record.losses:
        kinds = [(says, [loss for loss in record.losses if loss.failure == kind]) for kind, says in WHY.items()]
        said = ", ".join(says.format(count(len(some), "worker")) for says, some in kinds if some)
        lines.append(f"{said}: {_trials(record)}.")
        lines += _nodes(record.losses)
        lines.append(_repeated(record))
    for avoided in record.avoided:
        lines.append(f"{avoided.reason}, until {duration(avoided.until - record.started_at)} after the sweep began.")
    return tuple(lines)


def section(record: SweepRecord) -> str:
    """Of the page; empty where nothing was lost."""
    items = "".join(f"<li>{escape(line)}</li>" for line in told(record))
    if not items:
        return ""
    heading = f'<h2 id="losses-title">{TITLE}</h2>'
    return f'<section id="losses" aria-labelledby="losses-title">{heading}<ul>{items}</ul>{_each(record)}</section>'


def terminal(record: SweepRecord) -> RenderableType | None:
    lines = told(record)
    return Group(Text(TITLE, "bold"), *(Text(f"  {printable(line)}") for line in lines)) if lines else None


def _each(record: SweepRecord) -> str:
    """When, whose and to what; of many the first."""
    if not record.losses:
        return ""
    items = "".join(
        f"<li>{escape(printable(_one(loss, loss.at - record.started_at)))}</li>"
        for loss in record.losses[:NAMED_LOSSES]
    )
    more = len(record.losses) - NAMED_LOSSES
    items += f"<li>and {more} more, in the journal</li>" if more > 0 else ""
    return (
        f"<details><summary>{count(len(record.losses), 'lost worker')}, one by one</summary><ul>{items}</ul></details>"
    )


def _one(loss: Loss, after: float) -> str:
    where = f" on {loss.node}" if loss.node else ""
    return f"{duration(after)} after the sweep began, trial {loss.trial}{where}: {loss.failure}, {loss.reason}"


def _trials(record: SweepRecord) -> str:
    """Whose they were, and whether that ended one."""
    names = list(dict.fromkeys(loss.trial for loss in record.losses))
    more = f" and {len(names) - TRIALS} more" if len(names) > TRIALS else ""
    failed = [trial.trial for trial in record.everything if trial.ending == FAILED and trial.trial in set(names)]
    then = f"; {', '.join(failed[:TRIALS])} failed in the end" if failed else ""
    return f"{'trial' if len(names) == 1 else 'trials'} {', '.join(names[:TRIALS])}{more}{then}"


def _nodes(losses: tuple[Loss, ...]) -> list[str]:
    """Nodes that were lost whole, then those that lost workers and lived on."""
    gone = list(dict.fromkeys(loss.node for loss in losses if loss.node is not None and loss.node_gone))
    lines = [f"{count(len(gone), 'node')} lost whole: {', '.join(gone)}."] if gone else []
    there = [loss.node for loss in losses if loss.node is not None and loss.node not in gone]
    each = [f"{node} ({there.count(node)})" for node in dict.fromkeys(there)]
    return [*lines, *([f"Nodes that lost workers and lived on: {', '.join(each)}."] if each else [])]


def _repeated(record: SweepRecord) -> str:
    repeated = [trial for trial in record.everything if trial.repeated]
    epochs = sum(trial.repeated for trial in repeated)
    if not epochs:
        return "No epoch was trained twice."
    return f"{count(epochs, 'epoch')} of {count(len(repeated), 'trial')} trained twice."
