"""What the Gaussian process and CMA-ES are told, and that they find a valley."""

from __future__ import annotations

import math

import pytest

from tests.contract.searcher import parameter
from tuner.errors import InputError
from tuner.search.cma_es import CmaEsSearcher
from tuner.search.gp import GpSearcher, _upper_fence
from tuner.search.interface import Searcher
from tuner.space import Choice, Constant, Float, Space

PLANE = Space((parameter("x", Float(0.0, 1.0, False)), parameter("y", Float(1e-3, 1.0, True))))


def sweep(searcher: Searcher, trials: int, sign: float = 1.0) -> list[float]:
    """Distances from (0.3, 0.03), where the valley is; one trial in four is pruned, x above 0.8 diverges."""
    distances = []
    for number in range(trials):
        config = searcher.suggest(number)
        assert config is not None
        x, y = config["x"], config["y"]
        assert isinstance(x, float)
        assert isinstance(y, float)
        distance = abs(x - 0.3) + abs(math.log10(y / 0.03)) / 3
        distances.append(distance)
        if x > 0.8:
            searcher.on_trial_end(number, "doomed", None, diverged=True)
        else:
            searcher.on_trial_end(number, "pruned" if number % 4 == 0 else "completed", sign * distance)
    return distances


@pytest.mark.parametrize(("mode", "sign"), [("min", 1.0), ("max", -1.0)])
def test_cma_es_closes_in_on_the_valley(mode: str, sign: float) -> None:
    distances = sweep(CmaEsSearcher(PLANE, mode=mode, seed=0), 120, sign)
    assert sum(distances[-30:]) / 30 < 0.05
    assert sum(distances[:30]) / 30 > 0.15


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "sign"), [("min", 1.0), ("max", -1.0)])
def test_the_gaussian_process_finds_the_valley_in_few_trials(mode: str, sign: float) -> None:
    distances = sweep(GpSearcher(PLANE, mode=mode, seed=0, startup=6), 18, sign)
    assert min(distances[6:]) < 0.05


def test_one_exploded_loss_does_not_make_the_others_look_alike() -> None:
    assert _upper_fence([0.1, 0.2, 0.3, 0.4, 1e30]) == 0.4
    assert _upper_fence([0.1, 0.2, 0.3]) == 0.3
    assert _upper_fence([0.5]) == 0.5


def test_a_given_configuration_is_no_part_of_the_evolution() -> None:
    """One that is asked for again from a journal is."""
    first = CmaEsSearcher(PLANE, mode="min", seed=0).suggest(0)
    assert first is not None
    told = []
    for config in (first, {"x": 0.3, "y": 0.03}):
        searcher = CmaEsSearcher(PLANE, mode="min", seed=0)
        searcher.begin(0, config)
        searcher.on_trial_end(0, "completed", 0.25)
        told.append([trial.value for trial in searcher._study.trials])
    assert told == [[0.25], []]


def test_cma_es_needs_something_to_evolve() -> None:
    fixed = Space((parameter("one", Choice(("a",))), parameter("two", Constant(3))))
    with pytest.raises(InputError, match="needs a parameter to search"):
        CmaEsSearcher(fixed, mode="min", seed=0)


@pytest.mark.parametrize("make", [CmaEsSearcher, GpSearcher])
def test_a_trial_that_raised_says_nothing(make: type[CmaEsSearcher] | type[GpSearcher]) -> None:
    searcher = make(PLANE, mode="min", seed=0)
    for number in range(12):
        assert searcher.suggest(number) is not None
        searcher.on_trial_end(number, "failed", 1.0)
    assert searcher.suggest(12) is not None
