"""What a sweep file can name is what search can build, with the same options and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.searcher import SPACE
from tuner.search.asha import Asha, NoScheduler
from tuner.search.cma_es import CmaEsSearcher
from tuner.search.gp import GpSearcher
from tuner.search.halton import HaltonSearcher
from tuner.search.hyperband import Hyperband
from tuner.search.independent import GridSearcher, RandomSearcher
from tuner.search.make import make_scheduler, make_searcher
from tuner.search.median import MedianStopping
from tuner.search.promotion import PromotionAsha
from tuner.search.rung_tpe import RungTpe
from tuner.search.tpe import tpe
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS, Method

BUILDERS: dict[str, Callable[..., Any]] = {
    "rung_tpe": RungTpe,
    "tpe": tpe,
    "random": RandomSearcher,
    "halton": HaltonSearcher,
    "grid": GridSearcher,
    "gp": GpSearcher,
    "cmaes": CmaEsSearcher,
    "asha": Asha,
    "asha_promotion": PromotionAsha,
    "hyperband": Hyperband,
    "median": MedianStopping,
    "none": NoScheduler,
}
GIVEN = {"self", "space", "mode", "seed", "max_epochs", "limits", "args", "kwargs"}
"""What comes from elsewhere in the sweep file, and what only tests and benchmarks set."""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_reader_can_be_built(algorithm: str) -> None:
    options: Mapping[str, Any] = ALGORITHMS[algorithm].defaults()
    searcher = make_searcher(algorithm, options, SPACE, mode="min", seed=0)
    assert searcher.name == algorithm
    assert searcher.suggest(0) is not None


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_of_the_reader_can_be_built(name: str) -> None:
    assert make_scheduler(name, SCHEDULERS[name].defaults(), max_epochs=27).name == name


@pytest.mark.parametrize("method", [*ALGORITHMS.values(), *SCHEDULERS.values()], ids=lambda method: method.name)
def test_options_and_defaults_are_the_same_on_both_sides(method: Method) -> None:
    taken = inspect.signature(BUILDERS[method.name]).parameters
    assert {name: taken[name].default for name in taken if name not in GIVEN} == method.defaults()
