"""Halton's points leave no gaps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.contract.searcher import parameter
from tuner.search.cube import decode
from tuner.search.halton import HaltonSearcher
from tuner.search.seeds import generator
from tuner.space import Choice, Float, Space

CUBE = Space(tuple(parameter(f"x{i}", Float(0.0, 1.0, False)) for i in range(6)))


def points(seed: int, count: int) -> np.ndarray:
    searcher = HaltonSearcher(CUBE, seed=seed)
    return np.array([list((searcher.suggest(n) or {}).values()) for n in range(count)])


@pytest.mark.parametrize("seed", range(5))
def test_each_parameter_is_covered_evenly_from_the_start(seed: int) -> None:
    """In base b, of the first b^k points each of the b^k equal parts holds one."""
    drawn = points(seed, 27)
    for dimension, count in enumerate((16, 27, 25)):  # powers of 2, 3 and 5
        parts = np.floor(drawn[:count, dimension] * count).astype(int)
        assert sorted(parts) == list(range(count))


def test_any_pair_of_parameters_is_covered_better_than_at_random() -> None:
    """Empty ones of the 64 squares of a plane after 64 points; at random 1/e of them stay empty."""

    def empty(drawn: np.ndarray) -> float:
        squares = [{(int(x * 8), int(y * 8)) for x, y in drawn[:, [i, j]]} for i in range(6) for j in range(i + 1, 6)]
        return float(np.mean([64 - len(there) for there in squares]))

    halton = np.mean([empty(points(seed, 64)) for seed in range(10)])
    uniform = np.mean([empty(np.random.default_rng(seed).random((64, 6))) for seed in range(10)])
    assert halton < 0.85 * uniform


def test_another_seed_gives_other_points() -> None:
    assert not np.array_equal(points(0, 8), points(1, 8))


def test_a_branch_is_filled_evenly_too() -> None:
    space = Space(
        (
            parameter("optimizer", Choice(("adamw", "sgd"))),
            parameter("optimizer.sgd.momentum", Float(0.0, 1.0, False), of=("optimizer", "sgd")),
        )
    )
    searcher = HaltonSearcher(space, seed=0)
    configs = [searcher.suggest(number) or {} for number in range(18)]
    momenta = sorted(config["optimizer.sgd.momentum"] for config in configs if config["optimizer"] == "sgd")
    assert len(momenta) == 9
    assert [int(float(value or 0) * 9) for value in momenta] == list(range(9))


def test_a_point_of_the_cube_decodes_to_what_it_encodes() -> None:
    config = CUBE.sample(generator(0, 0))
    again = decode(CUBE, list(CUBE.encode(config)))
    assert np.allclose(list(again.values()), list(config.values()))
