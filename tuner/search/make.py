"""A searcher or scheduler by the name that a sweep file gives it. Optuna is imported only for those that need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tuner.errors import Fault, InputError
from tuner.search.asha import Asha, NoScheduler
from tuner.search.halton import HaltonSearcher
from tuner.search.hyperband import Hyperband
from tuner.search.independent import GridSearcher, RandomSearcher
from tuner.search.interface import Scheduler, Searcher
from tuner.search.median import MedianStopping
from tuner.search.promotion import PromotionAsha
from tuner.search.rung_tpe import RungTpe
from tuner.space import Space

T = TypeVar("T")


def make_searcher(algorithm: str, options: Mapping[str, Any], space: Space, *, mode: str, seed: int) -> Searcher:
    """Raises InputError for an unknown name."""
    return _named("search.algorithm", algorithm, _SEARCHERS)(space, mode, seed, options)


def make_scheduler(name: str, options: Mapping[str, Any], *, max_epochs: int) -> Scheduler:
    """Raises InputError for an unknown name."""
    return _named("search.scheduler", name, _SCHEDULERS)(max_epochs, options)


def _random(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:  # noqa: ARG001
    return RandomSearcher(space, seed=seed, **options)


def _halton(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:  # noqa: ARG001
    return HaltonSearcher(space, seed=seed, **options)


def _grid(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:  # noqa: ARG001
    return GridSearcher(space, **options)


def _tpe(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:
    from tuner.search.tpe import tpe

    return tpe(space, mode=mode, seed=seed, **options)


def _rung_tpe(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:
    return RungTpe(space, mode=mode, seed=seed, **options)


def _gp(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:
    from tuner.search.gp import GpSearcher

    return GpSearcher(space, mode=mode, seed=seed, **options)


def _cmaes(space: Space, mode: str, seed: int, options: Mapping[str, Any]) -> Searcher:
    from tuner.search.cma_es import CmaEsSearcher

    return CmaEsSearcher(space, mode=mode, seed=seed, **options)


def _asha(max_epochs: int, options: Mapping[str, Any]) -> Scheduler:
    return Asha(max_epochs=max_epochs, **options)


def _asha_promotion(max_epochs: int, options: Mapping[str, Any]) -> Scheduler:
    return PromotionAsha(max_epochs=max_epochs, **options)


def _hyperband(max_epochs: int, options: Mapping[str, Any]) -> Scheduler:
    return Hyperband(max_epochs=max_epochs, **options)


def _median(max_epochs: int, options: Mapping[str, Any]) -> Scheduler:
    return MedianStopping(max_epochs=max_epochs, **options)


def _none(max_epochs: int, options: Mapping[str, Any]) -> Scheduler:  # noqa: ARG001
    return NoScheduler(**options)


_SEARCHERS: dict[str, Callable[[Space, str, int, Mapping[str, Any]], Searcher]] = {
    "rung_tpe": _rung_tpe,
    "tpe": _tpe,
    "random": _random,
    "halton": _halton,
    "grid": _grid,
    "gp": _gp,
    "cmaes": _cmaes,
}
_SCHEDULERS: dict[str, Callable[[int, Mapping[str, Any]], Scheduler]] = {
    "asha": _asha,
    "asha_promotion": _asha_promotion,
    "hyperband": _hyperband,
    "median": _median,
    "none": _none,
}


def _named(where: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise InputError("the search", (Fault(where, name, f"write one of {', '.join(known)}"),))
    return known[name]
