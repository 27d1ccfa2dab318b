"""TPE by rungs: it learns from whatever has reported, and from nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.contract.searcher import parameter
from tuner.errors import InputError
from tuner.search.ranking import Ranking, Standing
from tuner.search.rung_tpe import CANDIDATES, RungTpe, _Density, _normal_share
from tuner.space import Choice, Constant, Float, Int, Space

LINE = Space((parameter("x", Float(0.0, 1.0)), parameter("y", Float(1e-4, 1.0, log=True))))


def told(mode: str = "min", ending: str | None = None) -> RungTpe:
    """Thirty trials, the good ones at x near 0.8; they still run (or are paused) unless they have an ending."""
    searcher = RungTpe(LINE, mode=mode, seed=4)
    for number, x in enumerate(np.linspace(0, 1, 30)):
        searcher.begin(number, {"x": float(x), "y": 0.01})
        value = (float(x) - 0.8) ** 2
        searcher.on_trial_result(number, 1, value if mode == "min" else -value)
        if ending is not None:
            searcher.on_trial_end(number, ending, value if mode == "min" else -value)
    return searcher


def suggested(searcher: RungTpe, name: str = "x") -> list[float]:
    found = []
    for number in range(100, 140):
        config = searcher.suggest(number)
        assert config is not None
        found.append(float(config[name]))  # type: ignore[arg-type]
        searcher.on_trial_end(number, "failed", None)
    return found


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("ending", [None, "pruned", "completed", "doomed"])
def test_it_goes_where_the_good_trials_are_whether_they_have_ended_or_not(mode: str, ending: str | None) -> None:
    assert np.median(np.abs(np.array(suggested(told(mode, ending))) - 0.8)) < 0.15


def test_nothing_is_learnt_of_trials_that_raised() -> None:
    assert np.ptp(suggested(told("min", "failed"))) > 0.8  # evenly over the range


def test_a_diverged_trial_is_the_worst_however_good_it_was_before() -> None:
    searcher = told()
    for number in range(18, 30):  # those about 0.8
        searcher.on_trial_end(number, "doomed", 0.0, diverged=True)
    assert np.median(np.array(suggested(searcher))) < 0.75


def test_trials_are_ranked_by_how_far_they_came_then_by_their_best() -> None:
    point = np.zeros(1)
    ranking = Ranking()
    for trial in (
        Standing(3, point, epoch=30, best=0.5),
        Standing(5, point, epoch=50, best=0.6),
        Standing(0, point, epoch=9, best=0.3),
        Standing(4, point, epoch=2, best=0.1),
        Standing(1, point, epoch=1, best=0.2),
        Standing(2, point, epoch=40, best=0.0, diverged=True),
        Standing(6, point),  # nothing is known of it
    ):
        ranking.add(trial)
        ranking.place(trial)
    assert [set(ranking.best(count)) for count in range(5)] == [set(), {3}, {3, 5}, {3, 5, 0}, {3, 5, 0, 4}]
    assert list(ranking.best(9)) == [0, 1, 2, 3, 4, 5]
    assert ranking.told == 6


def test_the_density_of_numbers_and_choices_has_the_whole_as_its_mass() -> None:
    """Summed over a fine grid."""
    items = (parameter("x", Float(0.0, 1.0)), parameter("c", Choice(("a", "b", "c"))))
    grid = np.array([[x, (c + 0.5) / 3] for x in (np.arange(2000) + 0.5) / 2000 for c in range(3)])
    trials = [[[0.1, 0.5], [0.97, 0.9]], [[0.5, 0.1]] * 30]
    masses = [np.exp(_Density(items, np.array(points)).log(grid)).sum() / 2000 for points in trials]
    assert masses == pytest.approx([1.0, 1.0], rel=0.01)


def test_draws_lie_in_the_cube_and_choices_on_their_options() -> None:
    items = (parameter("x", Float(0.0, 1.0)), parameter("c", Choice(("a", "b"))))
    drawn = _Density(items, np.array([[0.0, 0.25], [1.0, 0.25], [1.0, 0.25]])).sample(np.random.default_rng(0))
    assert drawn.shape == (CANDIDATES, 2)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert set(drawn[:, 1]) <= {0.25, 0.75}


def test_the_normal_distribution_function_is_close_to_the_exact_one() -> None:
    x = np.linspace(-6, 6, 400)
    exact = [0.5 * math.erfc(-value / math.sqrt(2)) for value in x]
    assert np.abs(_normal_share(x) - exact).max() < 4e-4


def test_a_branch_learns_from_the_trials_that_went_into_it() -> None:
    space = Space(
        (
            parameter("kind", Choice(("a", "b"))),
            parameter("kind.a.x", Float(0.0, 1.0), of=("kind", "a")),
            parameter("kind.b.x", Float(0.0, 1.0), of=("kind", "b")),
            parameter("n", Int(1, 3)),
            parameter("same", Constant(1)),
        )
    )
    searcher = RungTpe(space, mode="min", seed=0)
    for number in range(60):
        kind, x = "ab"[number % 2], float(number) / 59
        searcher.begin(number, {"kind": kind, f"kind.{kind}.x": x, "n": 1 + number % 3, "same": 1})
        searcher.on_trial_result(number, 1, abs(x - (0.2 if kind == "a" else 0.9)))
    near = {"a": list[float](), "b": list[float]()}
    for number in range(100, 160):
        config = searcher.suggest(number)
        assert config is not None
        assert space.contains(config)
        kind = str(config["kind"])
        near[kind].append(float(config[f"kind.{kind}.x"]))  # type: ignore[arg-type]
        searcher.on_trial_end(number, "failed", None)
    assert np.median(near["a"]) < 0.5 < np.median(near["b"])


def test_a_configuration_outside_the_space_is_refused() -> None:
    with pytest.raises(InputError, match="trial 3"):
        RungTpe(LINE, mode="min", seed=0).begin(3, {"x": 2.0, "y": 0.1})
