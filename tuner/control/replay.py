"""Resume: the journal's events played back into a fresh controller.

Suggestions are taken from the journal, not asked for again; reports go through the same code as live ones, so searcher
and scheduler end up as they were. Interrupted trials, and those that ran when the driver died, are handed out first,
from their last epoch. Failed ones are tried again as often as `retries` allows, those out of memory never.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.control.control_trials import control_from_line
from tuner.control.controller import Controller
from tuner.control.losses import note_loss
from tuner.control.seeds import from_line
from tuner.control.trials import ENDED, PAUSED, LiveTrial
from tuner.errors import RunError
from tuner.records.epochs import Report
from tuner.records.fold import decode_epoch, decode_facts
from tuner.records.journal import Line
from tuner.records.trial import CONTROL, FAILED, INTERRUPTED, PRUNED


def replay(controller: Controller, lines: Sequence[Line]) -> None:
    """Bring a fresh controller to where the journal ends, and queue what is unfinished. Writes what was left unsaid.

    Raises RunError where the journal speaks of a trial that it never introduced.
    """
    again = _failed_to_retry(controller, lines)
    rungs = {(line["trial"], line["epoch"]) for line in lines if line["kind"] == "rung"}
    avoided = {(line["node"], line["at"]) for line in lines if line["kind"] == "avoid"}
    unsaid: list[dict[str, Any]] = []
    last_suggestion = next((line for line in reversed(lines) if line["kind"] == "suggestion"), None)
    for line in lines:
        if line["kind"] == "report":
            met = controller.take_report(_trial(controller, line), report_of(line))
            unsaid += [rung for rung in met if (rung["trial"], rung["epoch"]) not in rungs]
        elif line["kind"] == "lost":
            note_loss(_trial(controller, line), line["failure"])
            avoid = controller.nodes.on_lost(line)
            unsaid += [avoid] if avoid is not None and (avoid["node"], avoid["at"]) not in avoided else []
        else:
            _apply(controller, line, again)
        if line is last_suggestion:
            controller.prepare_next()
    if unsaid:  # the driver died between a line and the one that follows from it
        controller.tell(*unsaid)
    over = set[str]() if controller.more_to_suggest else _ended_paused(lines)
    for live in controller.trials.values():
        if live.state != ENDED or live.ending == INTERRUPTED or live.trial in again:
            if live.paused is not None and live.trial in over:
                controller.note_ending(live, PRUNED)
            elif live.paused is not None:
                live.state, live.ending = PAUSED, None
            else:
                controller.requeue(live)
    controller.end_what_is_over()


def _ended_paused(lines: Sequence[Line]) -> set[str]:
    """Trials that waited at their rung when there was nothing left to try: that is their ending, unless more came."""
    return {line["trial"] for line in lines if line["kind"] == "ending" and line.get("paused")}


def _failed_to_retry(controller: Controller, lines: Sequence[Line]) -> set[str]:
    """Trials whose last ending is a failure that may be tried again."""
    last: dict[str, Line] = {}
    failures: dict[str, int] = {}
    for line in lines:
        if line["kind"] == "ending":
            last[line["trial"]] = line
            if line["ending"] == FAILED:
                failures[line["trial"]] = failures.get(line["trial"], 0) + 1
    return {
        trial
        for trial, line in last.items()
        if line["ending"] == FAILED
        and line.get("failure") not in (None, "out_of_memory")
        and failures[trial] <= controller.rules.retries
    }


def _apply(controller: Controller, line: Line, again: set[str]) -> None:
    kind = line["kind"]
    if kind == "warm":
        controller.warm(line)
    elif kind == "suggestion":
        controller.searcher.begin(line["number"], line["config"])
        controller.add_trial(line["number"], line["config"], line["origin"])
    elif kind == "further_seed":
        controller.add_further(from_line(line))
    elif kind == CONTROL:
        controller.add_control(control_from_line(line))
    elif kind == "controls":
        controller.controls.on_line(line)
    elif kind == "search_over":
        controller.budget.search_over = line["reason"]
    elif kind == "finalists":
        controller.seeds.finalists = tuple(line["trials"])
    elif kind == "start":
        _trial(controller, line).attempt = line["attempt"]
    elif kind == "promotion":
        controller.promote(_trial(controller, line))
    elif kind == "ending":
        live = _trial(controller, line)
        if line["ending"] == FAILED:
            live.failures += 1
        if line["trial"] not in again and not line.get("paused"):  # that one waits at its rung again
            controller.note_ending(live, line["ending"], out_of_memory=line.get("failure") == "out_of_memory")


def _trial(controller: Controller, line: Line) -> LiveTrial:
    live = controller.trials.get(line["trial"])
    if live is None:
        raise RunError(f"the journal's {line['kind']} line speaks of trial {line['trial']}, which it never introduced")
    return live


def report_of(line: Line) -> Report:
    return Report(
        trial=line["trial"],
        attempt=line["attempt"],
        epoch=decode_epoch(line),
        finished=line.get("finished"),
        facts=decode_facts(line["facts"]) if "facts" in line else None,
        node=line.get("node"),
    )
