"""Old settings in a new space: never a configuration outside it, and each that does not fit says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from space_strategies import spaces

from tuner.space import Choice, Float, Int, Misfit, Parameter, Space, Translated, rename, translate

SPACE = Space(
    (
        Parameter("lr", "lr", Float(1e-4, 0.1, log=True)),
        Parameter("depth", "depth", Int(1, 4)),
        Parameter("optimizer", "optimizer", Choice(("adamw", "sgd"))),
        Parameter("optimizer.sgd.momentum", "momentum", Float(0.0, 0.9), parent="optimizer", parent_value="sgd"),
        Parameter("nesterov", "nesterov", Choice((True, False))),
    )
)
OLD = {"lr": 0.01, "depth": 2, "optimizer": "adamw", "nesterov": True}


def nothing(name: str) -> None:
    return None


def of(settings: dict[str, object], space: Space = SPACE, known=nothing, place: int = 0) -> Translated | Misfit:
    return translate(space, settings, known, place)


@pytest.mark.parametrize(
    ("changed", "config"),
    [
        ({}, OLD),
        ({"dropped": 3, "split": (0.8, 0.2)}, OLD),
        ({"depth": 2.0}, OLD),
        ({"nesterov": "True"}, OLD),
        ({"nesterov": "true"}, OLD),
        ({"optimizer": "sgd", "optimizer.sgd.momentum": 0}, {**OLD, "optimizer": "sgd", "optimizer.sgd.momentum": 0.0}),
    ],
)
def test_what_fits(changed: dict[str, object], config: dict[str, object]) -> None:
    found = of({**OLD, **changed})
    assert isinstance(found, Translated)
    assert {name: (type(value), value) for name, value in found.config.items()} == {
        name: (type(value), value) for name, value in config.items()
    }
    assert found.added == {}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"lr": 0.5}, "lr above 0.1"),
        ({"lr": 1e-6}, "lr below 0.0001"),
        ({"lr": float("nan")}, "lr nan"),
        ({"depth": 2.5}, "depth not a whole number"),
        ({"depth": float("inf")}, "depth not a whole number"),
        ({"depth": "deep"}, "depth deep, which is no number"),
        ({"optimizer": "rmsprop"}, "optimizer rmsprop, which is no option"),
        ({"nesterov": 1}, "nesterov 1, which is no option"),
    ],
)
def test_what_does_not_says_why(changed: dict[str, object], why: str) -> None:
    assert of({**OLD, **changed}) == Misfit(why)


def test_a_new_parameter_has_its_old_value_or_the_nearest_bound_or_its_default_or_is_spread() -> None:
    def with_default(**more) -> Space:
        decay = Parameter("wd", "wd", Float(1e-6, 1e-2, log=True), **more)
        return Space((Parameter("lr", "lr", Float(1e-4, 0.1)), decay))

    def filled(space: Space, known=nothing, place: int = 0) -> tuple[object, str]:
        found = translate(space, {"lr": 0.01}, known, place)
        assert isinstance(found, Translated)
        return found.config["wd"], found.added["wd"]

    assert filled(with_default(), lambda name: (1e-4,)) == (1e-4, "0.0001, as it was there")
    assert filled(with_default(), lambda name: (0.0,)) == (1e-6, "1e-06, the nearest to 0 there")
    assert filled(with_default(default=1e-3, has_default=True)) == (1e-3, "its default, 0.001")
    spread = [float(filled(with_default(), place=place)[0]) for place in range(40)]  # type: ignore[arg-type]
    counts, _ = np.histogram(np.log10(spread), bins=4, range=(-6, -2))
    assert counts.min() >= 8, "evenly over its scale"


def test_names_and_branches_are_renamed_with_what_is_inside() -> None:
    old = {"rate": 0.1, "optimizer": "adam", "optimizer.adam.beta1": 0.9, "model": "cnn"}
    new = rename(old, {"rate": "lr", "optimizer.adam": "optimizer.adamw", "model.mlp": "model.dense"})
    assert new == {"lr": 0.1, "optimizer": "adamw", "optimizer.adamw.beta1": 0.9, "model": "cnn"}


def test_a_branch_is_known_by_what_is_recorded_inside_it() -> None:
    found = of({"lr": 0.01, "depth": 2, "optimizer.sgd.momentum": 0.5, "nesterov": False})
    assert isinstance(found, Translated)
    assert found.config["optimizer"] == "sgd"


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


@given(old=spaces(), new=spaces(), seed=st.integers(0, 99), odd=st.lists(VALUES, max_size=3))
def test_a_translation_never_lies_outside_the_new_space(old: Space, new: Space, seed: int, odd: list) -> None:
    settings = old.sample(np.random.default_rng(seed)) | dict(zip(new.names, odd, strict=False))
    found = translate(new, settings, lambda name: (seed,) if seed % 2 else None, seed)
    if isinstance(found, Translated):
        assert new.faults(found.config) == ()
    else:
        assert found.why.split(" ")[0] in new.names


@given(space=spaces(), seed=st.integers(0, 99))
def test_into_its_own_space_every_configuration_is_itself(space: Space, seed: int) -> None:
    config = space.sample(np.random.default_rng(seed))
    found = translate(space, config, nothing, 0)
    assert isinstance(found, Translated)
    assert dict(found.config) == config
    assert found.added == {}
