"""Numbers, durations, users' text and sparklines in one line of a terminal."""

from __future__ import annotations

import math
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.sparkline import BLOCKS, sparkline
from tuner.report.wording import duration, number, printable, settings


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.00001, "1e-05"),
        (0.213, "0.213"),
        (64, "64"),
        (True, "true"),
        (math.nan, "NaN"),
        (-math.inf, "-infinite"),
        (None, "–"),
    ],
)
def test_numbers(value: float | None, told: str) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7380, "2 h 03 min"),
        (-1, "0.0 s"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, told: str) -> None:
    assert duration(seconds) == told


@given(st.floats(min_value=0, max_value=1e9))
def test_a_duration_never_says_sixty(seconds: float) -> None:
    assert " 60 " not in f" {duration(seconds)} "


@given(st.text())
def test_users_text_is_one_line_without_control_characters(text: str) -> None:
    assert printable(text).isprintable()


def test_an_escape_sequence_does_not_reach_the_terminal() -> None:
    assert printable("\x1b[2Jgone\nforged line\u202e") == "[2Jgone forged line"


def test_settings_can_be_pasted_into_a_shell() -> None:
    told = settings({"lr": 0.003, "name": "it's; rm -rf", "flag": True, "none": None})
    assert shlex.split(told) == ["lr=0.003", "name=it's; rm -rf", "flag=true", "none=null"]


def test_a_falling_curve_falls_and_a_flat_one_lies_low() -> None:
    drawn = sparkline([8, 7, 6, 5, 4, 3, 2, 1])
    assert drawn == BLOCKS[::-1]
    assert sparkline([3.0, 3.0]) == BLOCKS[0] * 2


def test_a_loss_over_two_decades_is_drawn_by_its_logarithm() -> None:
    assert len(set(sparkline([2.3 * 0.5**epoch for epoch in range(8)]))) == 8


def test_gaps_and_what_is_not_finite_keep_their_places() -> None:
    assert sparkline([1.0, None, math.nan, 2.0, math.inf]) == f"{BLOCKS[0]} ×{BLOCKS[-1]}×"
    assert sparkline([math.nan]) == "×"
    assert sparkline([0.0, 5e-324]) == BLOCKS[0] * 2  # half of the smallest float is 0: it was divided by
    assert sparkline([]) == ""


@given(st.lists(st.none() | st.floats(), max_size=60), st.integers(1, 30))
def test_no_curve_is_wider_than_asked_and_none_breaks_it(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width)) == min(width, len(values))
