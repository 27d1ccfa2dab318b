"""`search.repeats` and `search.finalists`: what they may hold, what does not fit, and that they are written back."""

from __future__ import annotations

import pytest

from tests.unit.sweep_kit import CATALOGUE, SMALL, faults_of, only_fault, read
from tuner.sweep import dump_sweep, parse_sweep


@pytest.mark.parametrize(
    ("given", "repeats", "finalists"),
    [
        ("{}", 1, None),
        ("{repeats: 3}", 3, None),
        ("{repeats: 1, finalists: {}}", 1, (5, 3)),
        ("{finalists: {top: 2, seeds: 4}}", 1, (2, 4)),
        ("{finalists: null}", 1, None),
    ],
)
def test_what_is_asked_for_is_read_and_written_back(
    given: str, repeats: int, finalists: tuple[int, int] | None
) -> None:
    sweep = read(SMALL + f"search: {given}\n")
    asked = sweep.search.finalists
    assert (sweep.search.repeats, None if asked is None else (asked.top, asked.seeds)) == (repeats, finalists)
    assert parse_sweep(dump_sweep(sweep), path="again", catalogue=CATALOGUE) == sweep


@pytest.mark.parametrize(
    ("given", "where", "cure"),
    [
        ("{repeats: 0}", "search.repeats", "at least 1"),
        ("{repeats: three}", "search.repeats", "whole number"),
        ("{finalists: 5}", "search.finalists", "a mapping, with any of top, seeds"),
        ("{finalists: {top: 0}}", "search.finalists.top", "at least 1"),
        ("{finalists: {top: 2, sedes: 3}}", "search.finalists.sedes", "seeds"),
        ("{finalists: {top: 9}, trials: 8}", "search.finalists.top", "at most 8"),
        ("{repeats: 2, finalists: {top: 2}}", "search.finalists", "keep `repeats`, or `finalists`"),
    ],
)
def test_what_does_not_fit_is_one_fault_with_its_cure(given: str, where: str, cure: str) -> None:
    fault = only_fault(SMALL + f"search: {given}\n")
    assert (fault.where, fault.line) == (where, 5)
    assert cure in fault.cure


def test_more_finalists_than_the_grid_has_points_are_a_fault_and_all_faults_come_at_once() -> None:
    text = SMALL + "search: {algorithm: {grid: {points: 2}}, repeats: 2, finalists: {top: 500}}\n"
    assert sorted(fault.where for fault in faults_of(text)) == ["search.finalists", "search.finalists.top"]
