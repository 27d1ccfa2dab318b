"""Our parameters as Optuna's distributions, and values there and back without loss.

A choice is told by the places of its options: to Optuna, as to Python, True, 1 and 1.0 are one. Constants are not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tuner.records.values import Config, Scalar
from tuner.search.cube import is_active
from tuner.space import Choice, Constant, Float, Int, Parameter, Space, same

if TYPE_CHECKING:
    from optuna import Trial

Distributions = dict[str, BaseDistribution]


def distributions(space: Space) -> Distributions:
    """Of every parameter but the constants, by recorded name."""
    return {item.name: _distribution(item) for item in space.parameters if not isinstance(item.domain, Constant)}


def groups(space: Space) -> dict[str, Distributions]:
    """Of each parameter: what is drawn together with it, all that hang on the same option of the same choice."""
    together: dict[tuple[object, ...], Distributions] = {}
    for item in space.parameters:
        if not isinstance(item.domain, Constant) and not (found := _distribution(item)).single():
            together.setdefault(_condition(item), {})[item.name] = found
    return {name: group for group in together.values() for name in group}


def told(space: Space, config: Config) -> dict[str, int | float]:
    """The configuration as Optuna is told it."""
    return {
        item.name: _told(item, config[item.name])
        for item in space.parameters
        if item.name in config and not isinstance(item.domain, Constant)
    }


def told_whole(space: Space, config: Config) -> dict[str, int | float]:
    """As `told`, with the middle of its range for each parameter that is not active."""
    return told(space, {item.name: item.domain.middle() for item in space.parameters} | dict(config))


def untold(space: Space, values: Mapping[str, Any]) -> dict[str, Scalar]:
    """The configuration that Optuna's values mean; those of parameters that are not active are passed over."""
    config: dict[str, Scalar] = {}
    for item in space.parameters:
        if is_active(item, config):
            match item.domain:
                case Constant(value):
                    config[item.name] = value
                case Choice(options):
                    config[item.name] = options[values[item.name]]
                case _:
                    config[item.name] = values[item.name]
    return config


def draw(space: Space, trial: Trial) -> dict[str, Scalar]:
    """Has the trial suggest every active parameter, parents first, and gives the configuration in our values."""
    config: dict[str, Scalar] = {}
    for item in space.parameters:
        if is_active(item, config):
            config[item.name] = _suggest(trial, item)
    return config


def place(options: tuple[Scalar, ...], value: Scalar) -> int:
    """Where this very value stands among the options."""
    return next(i for i, option in enumerate(options) if same(option, value))


def _suggest(trial: Trial, item: Parameter) -> Scalar:
    match item.domain:
        case Float(low, high, log):
            return trial.suggest_float(item.name, low, high, log=log)
        case Int(low, high, log):
            return trial.suggest_int(item.name, low, high, log=log)
        case Choice(options):
            return options[trial.suggest_categorical(item.name, range(len(options)))]
        case Constant(value):
            return value


def _distribution(item: Parameter) -> BaseDistribution:
    match item.domain:
        case Float(low, high, log):
            return FloatDistribution(low, high, log=log)
        case Int(low, high, log):
            return IntDistribution(low, high, log=log)
        case Choice(options):
            return CategoricalDistribution(range(len(options)))
        case Constant():
            raise TypeError(f"{item.name} is a constant, which has no distribution")


def _told(item: Parameter, value: Scalar) -> int | float:
    if isinstance(item.domain, Choice):
        return place(item.domain.options, value)
    assert isinstance(value, int | float)
    return int(value) if isinstance(item.domain, Int) else float(value)


def _condition(item: Parameter) -> tuple[object, ...]:
    return (item.parent, type(item.parent_value), item.parent_value)
