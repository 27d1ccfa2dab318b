"""Every searcher passes the suite; what is its own is tested below."""

from __future__ import annotations

import pytest

from tests.contract.searcher import SPACE, SearcherContract, exact, parameter
from tuner.errors import InputError
from tuner.search.interface import Searcher
from tuner.search.make import make_searcher
from tuner.space import Choice, Float, Int, Space


class TestRandom(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("random", {}, SPACE, mode="min", seed=seed)


class TestHalton(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("halton", {}, SPACE, mode="min", seed=seed)


class TestGrid(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("grid", {}, SPACE, mode="min", seed=seed)


class TestRungTpe(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("rung_tpe", {}, SPACE, mode="min", seed=seed)


class TestTpe(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("tpe", {}, SPACE, mode="min", seed=seed)


@pytest.mark.slow
class TestGp(SearcherContract):
    trials = 12

    def make(self, seed: int) -> Searcher:
        return make_searcher("gp", {"startup": 4}, SPACE, mode="min", seed=seed)


class TestCmaEs(SearcherContract):
    def make(self, seed: int) -> Searcher:
        return make_searcher("cmaes", {}, SPACE, mode="min", seed=seed)


def test_the_grid_ends_and_leaves_out_what_was_tried_elsewhere() -> None:
    space = Space((parameter("lr", Float(0.1, 1.0, False)), parameter("flag", Choice((1, True)))))
    grid = make_searcher("grid", {"points": 2}, space, mode="min", seed=0)
    grid.begin(0, {"lr": 1, "flag": True})  # a whole number stands for the float
    rest = [exact(grid.suggest(number)) for number in range(1, 6)]
    assert rest == [
        *(exact({"lr": lr, "flag": flag}) for lr, flag in ((0.1, 1), (0.1, True), (1.0, 1))),
        None,
        None,
    ]


def test_an_unknown_algorithm_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="rung_tpe, tpe, random, halton, grid, gp, cmaes"):
        make_searcher("tpee", {}, SPACE, mode="min", seed=0)


def test_tpe_refuses_a_configuration_outside_the_space() -> None:
    searcher = make_searcher("tpe", {}, Space((parameter("depth", Int(1, 6, False)),)), mode="min", seed=0)
    with pytest.raises(InputError, match="trial 0"):
        searcher.begin(0, {"depth": 7})
