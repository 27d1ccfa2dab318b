"""A journal's events put to a controller that is never killed: what it decides is what the journal should hold.

Reports may come in another order after a resume than they would have without the kill. So a journal is judged by its
own order: whatever was killed, lost and begun again in it, the decisions are those of one controller that heard the
same reports in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tuner.control.controller import Controller
from tuner.control.replay import report_of
from tuner.control.rules import Rules
from tuner.records.epochs import Failure
from tuner.records.journal import Line
from tuner.records.trial import INTERRUPTED
from tuner.search.interface import Scheduler, Searcher

KEYS = {
    "suggestion": ("trial", "number", "config", "origin", "seed", "seen", "tried"),
    "promotion": ("trial", "epoch"),
    "rung": ("trial", "epoch", "value", "promoted", "paused", "reason"),
    "ending": ("trial", "ending", "value", "best_epoch", "reason"),
}

Decision = tuple[str, ...]


def decisions(lines: Sequence[Line]) -> list[Decision]:
    """Who was tried, promoted, judged and ended, in the journal's order, without times and attempts."""
    return [
        (line["kind"], *(repr(line.get(key)) for key in KEYS[line["kind"]]))
        for line in lines
        if line["kind"] in KEYS and line.get("ending") != INTERRUPTED
    ]


def decided_without_a_kill(
    lines: Sequence[Line], rules: Rules, searcher: Searcher, scheduler: Scheduler
) -> list[Decision]:
    """What a fresh controller decides on this journal's reports and failures in their order."""
    written: list[Line] = []
    controller = Controller(rules, searcher, scheduler, written.extend, clock=lambda: 0.0)
    for line in lines:
        match line["kind"]:
            case "suggestion" | "promotion":
                assert controller.next_assignment() is not None, line
            case "report":
                live = controller.trials[line["trial"]]
                controller.on_report(replace(report_of(line), attempt=live.attempt))
            case "ending" if line.get("failure"):
                live = controller.trials[line["trial"]]
                controller.on_failure(Failure(live.trial, live.attempt, line["failure"], line["reason"]))
    controller.finish()
    return decisions(written)
