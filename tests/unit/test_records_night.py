"""A night's record: written as strict JSON and read again as it was."""

from __future__ import annotations

import json
import math

import pytest

from tuner.errors import RunError
from tuner.records.night import (
    INCOMPLETE,
    OK,
    REGRESSED,
    Change,
    Conditions,
    ControlResult,
    Judgement,
    NightBest,
    NightRecord,
)

NIGHT = NightRecord(
    id="2026-11-21-7f3a9c21",
    date="2026-11-21",
    sweep="digits",
    run="digits-night-2026-11-21-7f3a9c21",
    path="runs/digits-night-2026-11-21-7f3a9c21",
    metric="val_loss",
    mode="min",
    max_epochs=9,
    control={"lr": 0.01, "split": (0.8, 0.1, 0.1)},
    key="0123456789abcdef",
    controls=(
        ControlResult("control-1", 11, "completed", 0.21, 0.5),
        ControlResult("control-2", 12, "doomed", math.inf, None, "diverged"),
    ),
    best=NightBest("0004", {"lr": 0.02}, 0.19, (0.18, 0.2), "healthy"),
    conditions=Conditions({"commit": "abc"}, "d" * 16, {"torch": "2.15.0"}, {"host": "here"}, {"seed": 0}),
    judgement=Judgement(REGRESSED, "worse", 0.02, (0.01, 0.03), 0.004, by="controls", remarks=("slower",)),
    changes=(Change("code", "commits", "abc", "def", ("def Break it (Ada)",)),),
    state=REGRESSED,
    state_before=OK,
    trials={"total": 4},
    notes=("a note",),
)


def test_a_record_comes_back_as_it_was_written() -> None:
    again = NightRecord.from_json(json.loads(json.dumps(NIGHT.to_json(), allow_nan=False)))
    assert again.controls == NIGHT.controls
    assert again.best == NIGHT.best
    assert again.judgement == NIGHT.judgement
    assert again.changes == NIGHT.changes
    assert again.to_json() == NIGHT.to_json()


def test_the_line_of_the_morning_has_date_sweep_verdict_and_reason() -> None:
    assert NIGHT.line() == "2026-11-21 digits REGRESSED: worse"


@pytest.mark.parametrize(
    ("before", "state", "changed"),
    [(None, OK, False), (None, INCOMPLETE, True), (OK, REGRESSED, True), (REGRESSED, REGRESSED, False)],
)
def test_only_a_change_of_state_is_news(before: str | None, state: str, changed: bool) -> None:
    from dataclasses import replace

    assert replace(NIGHT, state_before=before, state=state).changed_state is changed


def test_a_record_of_another_version_is_refused_by_its_number() -> None:
    with pytest.raises(RunError, match="version 7"):
        NightRecord.from_json(NIGHT.to_json() | {"version": 7})
