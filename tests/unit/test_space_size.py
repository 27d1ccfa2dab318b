"""How many configurations a space has, against counting them; and that one that is left is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from space_strategies import spaces

from tuner.space import Choice, Constant, Float, Int, Parameter, Space, identity, size, untried

SMALL = Space(
    (
        Parameter("mixed", "mixed", Choice((True, 1, 1.0, "1", None))),
        Parameter("depth", "depth", Int(1, 3)),
        Parameter("fixed", "fixed", Constant(0)),
        Parameter("opt", "opt", Choice(("a", "b"))),
        Parameter("opt.b.n", "n", Int(1, 4, log=True), parent="opt", parent_value="b"),
    )
)


def test_branches_add_and_parameters_multiply() -> None:
    assert size(SMALL) == 5 * 3 * (1 + 4)
    assert size(Space(())) == 1


def test_a_range_of_floats_is_endless_unless_it_is_a_point() -> None:
    assert size(Space((Parameter("x", "x", Float(0.0, 1.0)),))) is None
    assert size(Space((Parameter("x", "x", Float(0.5, 0.5)),))) == 1


@given(space=spaces())
def test_size_is_what_walking_through_it_counts(space: Space) -> None:
    known = size(space)
    if known is not None and known <= 2000:
        assert known == len({identity(config) for config in space.grid(10_000)})


@given(seed=st.integers(0, 2**32 - 1))
def test_every_configuration_is_found_once_and_then_none(seed: int) -> None:
    tried: set[object] = set()
    rng = np.random.default_rng(seed)
    for _ in range(75):
        config = untried(SMALL, tried, len(tried), rng)
        assert config is not None
        assert SMALL.contains(config)
        assert identity(config) not in tried
        tried.add(identity(config))
    assert untried(SMALL, tried, len(tried), rng) is None


def test_the_last_one_of_a_long_range_is_found_where_rounding_makes_points_one() -> None:
    space = Space((Parameter("n", "n", Int(1, 3000, log=True)),))
    tried = {identity({"n": n}) for n in range(1, 3001) if n != 2718}
    assert untried(space, tried, len(tried), np.random.default_rng(0)) == {"n": 2718}
