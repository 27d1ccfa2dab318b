"""What a sweep costs at most, with what is trained again on further seeds."""

from __future__ import annotations

import pytest

from tests.unit.sweep_kit import SMALL, read
from tuner.api.price import most_trainings


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("{trials: 10}", 10),
        ("{trials: 10, repeats: 3}", 30),
        ("{trials: 10, finalists: {top: 5, seeds: 3}}", 25),
        ("{algorithm: grid}", None),
    ],
)
def test_further_seeds_are_counted(search: str, expected: int | None) -> None:
    assert most_trainings(read(SMALL + f"search: {search}\n")) == expected
