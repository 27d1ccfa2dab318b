"""What holds for every space, nested to depth three: samples, grids, neighbours and defaults lie in it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.space_strategies import spaces
from tuner.space import (
    Choice,
    Constant,
    Float,
    Int,
    Parameter,
    Space,
    arguments,
    canonical,
    did_you_mean,
    flatten,
    nest,
    same,
)

SGD = {"parent": "optimizer", "parent_value": "sgd"}
SPACE = Space(
    (
        Parameter("optimizer", "optimizer", Choice(("adamw", "sgd")), "adamw", True),
        Parameter("optimizer.sgd.momentum", "momentum", Float(0.0, 0.99), 0.9, True, **SGD),
        Parameter("optimizer.sgd.nesterov", "nesterov", Choice((True, False)), **SGD),
        Parameter("lr", "lr", Float(1e-5, 1.0, log=True), 1e-3, True),
        Parameter("depth", "depth", Int(1, 6)),
        Parameter("loss", "loss", Constant("cross_entropy")),
    )
)
ADAMW = {"optimizer": "adamw", "lr": 0.01, "depth": 3, "loss": "cross_entropy"}
SGD_CONFIG = {
    "optimizer": "sgd",
    "optimizer.sgd.momentum": 0.5,
    "optimizer.sgd.nesterov": True,
    "lr": 0.01,
    "depth": 3,
    "loss": "cross_entropy",
}
SEEDS = st.integers(0, 2**32 - 1)


@given(spaces(), SEEDS)
def test_every_sample_lies_in_the_space(space: Space, seed: int) -> None:
    config = space.sample(np.random.default_rng(seed))
    assert space.contains(config)
    assert space.faults(config) == ()
    assert [item.name for item in space.active(config)] == list(config)


@given(spaces(), SEEDS)
def test_the_seed_alone_decides(space: Space, seed: int) -> None:
    one, two = (space.sample(np.random.default_rng(seed)) for _ in range(2))
    assert one == two


@given(spaces(), SEEDS)
def test_encoded_values_lie_in_the_unit_cube_and_decode_to_themselves(space: Space, seed: int) -> None:
    config = space.sample(np.random.default_rng(seed))
    vector = space.encode(config)
    assert len(vector) == len(space)
    for item, share in zip(space.parameters, vector, strict=True):
        assert (item.name in config) != math.isnan(share)
        if item.name in config:
            assert 0.0 <= share <= 1.0
            back = item.domain.from_unit(float(share))
            if isinstance(item.domain, Float):
                assert back == pytest.approx(
                    config[item.name], rel=1e-6, abs=1e-9 * (item.domain.high - item.domain.low)
                )
            else:
                assert same(back, config[item.name])


@given(spaces(), SEEDS)
def test_neighbours_lie_in_the_space_and_differ_from_it(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    config = space.sample(rng)
    for neighbour in space.neighbours(config, rng):
        assert space.contains(neighbour)
        assert neighbour != config or any(not same(neighbour[name], config[name]) for name in config)


@given(spaces())
def test_defaults_lie_in_the_space(space: Space) -> None:
    config = space.defaults()
    assert config is None or space.contains(config)


@given(spaces(), SEEDS, st.data())
def test_a_part_of_a_configuration_is_completed_to_one_of_the_space(
    space: Space, seed: int, data: st.DataObject
) -> None:
    config = space.sample(np.random.default_rng(seed))
    names = data.draw(st.sets(st.sampled_from(sorted(config)))) if config else set()
    part = {name: config[name] for name in names}
    assert space.faults(part, partial=True) == ()
    whole = space.complete(part, space.sample(np.random.default_rng(seed + 1)))
    assert space.contains(whole)
    assert all(same(whole[name], value) for name, value in part.items())


@settings(max_examples=50)
@given(spaces(), st.integers(1, 3))
def test_the_grid_holds_each_configuration_once_and_as_many_as_it_says(space: Space, points: int) -> None:
    size = space.grid_size(points)
    assume(size <= 2000)
    grid = list(space.grid(points))
    assert len(grid) == size
    assert all(space.contains(config) for config in grid)
    assert len({tuple((n, type(v), v) for n, v in sorted(config.items())) for config in grid}) == size


@given(spaces(), SEEDS)
def test_nested_and_flat_hold_the_same(space: Space, seed: int) -> None:
    config = space.sample(np.random.default_rng(seed))
    again = flatten(nest(config))
    assert list(again) == list(config)
    assert all(same(again[name], config[name]) for name in config)


def test_contains_and_faults_give_every_reason() -> None:
    assert SPACE.contains(ADAMW)
    assert SPACE.contains(SGD_CONFIG)
    wrong = {**SGD_CONFIG, "optimizer": "adamw", "lr": 2.0, "dpeth": 3, "momentum": 0.5, "loss": "huber"}
    del wrong["depth"]
    found = {fault.where: fault.cure for fault in SPACE.faults(wrong)}
    assert found["lr"] == "write a number from 1e-05 to 1"
    assert "did you mean `depth`?" in found["dpeth"]
    assert "write `optimizer.sgd.momentum`" in found["momentum"]
    assert found["optimizer.sgd.momentum"] == "is not active: it needs optimizer = sgd"
    assert found["loss"] == "write always cross_entropy"
    assert found["depth"] == "is missing: write a whole number from 1 to 6"
    assert not SPACE.contains(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("depth", True),
        ("depth", 3.0),
        ("depth", 0),
        ("lr", True),
        ("lr", math.nan),
        ("lr", "0.01"),
        ("optimizer", None),
    ],
)
def test_what_only_looks_like_a_value_is_none(name: str, value: object) -> None:
    assert not SPACE.contains({**ADAMW, name: value})


def test_true_and_one_are_two_options() -> None:
    space = Space((Parameter("x", "x", Choice((True, 1, 1.0))),))
    assert [config["x"] for config in space.grid()] == [True, 1, 1.0]
    assert [space.encode({"x": value})[0] for value in (True, 1, 1.0)] == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert Choice((True,)) != Choice((1,))
    assert Constant(1) != Constant(1.0)


def test_defaults_need_one_for_each_active_parameter() -> None:
    assert SPACE.defaults() is None  # depth has none
    whole = Space((*SPACE.parameters[:4], Parameter("depth", "depth", Int(1, 6), 2, True), SPACE.parameters[5]))
    assert whole.defaults() == {"optimizer": "adamw", "lr": 1e-3, "depth": 2, "loss": "cross_entropy"}


def test_a_nested_value_chooses_its_branch() -> None:
    assert SPACE.complete({"optimizer.sgd.nesterov": False, "lr": 1}, {"depth": 5}) == {
        "optimizer": "sgd",
        "optimizer.sgd.momentum": 0.9,
        "optimizer.sgd.nesterov": False,
        "lr": 1.0,
        "depth": 5,
        "loss": "cross_entropy",
    }
    assert SPACE.faults({"optimizer.sgd.nesterov": False}, partial=True) == ()
    (fault,) = SPACE.faults({"optimizer.sgd.nesterov": False, "optimizer": "adamw"}, partial=True)
    assert fault.where == "optimizer.sgd.nesterov"


def test_arguments_are_the_short_names_of_the_active_branch_to_any_depth() -> None:
    config = {
        "model": "mlp",
        "model.mlp.depth": 2,
        "model.mlp.activation": "leaky",
        "model.mlp.activation.leaky.slope": 0.1,
        "model.cnn.width": 16,
        "model.mlp.scale": 0.5,
        "model.mlp.scale.0.5.shift": 1,
        "lr": 0.1,
    }
    inside = {"depth": 2, "activation": "leaky", "slope": 0.1, "scale": 0.5, "shift": 1}
    assert arguments(config, "model") == ("mlp", inside)
    assert arguments(config, "lr") == (0.1, {})
    assert arguments({"split": [0.8, 0.2]}, "split") == ([0.8, 0.2], {})
    with pytest.raises(KeyError):
        arguments(config, "loss")


def test_ranges_at_points_on_their_own_scale() -> None:
    assert Float(1e-4, 1.0, log=True).grid(5) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert Float(0.0, 1.0).grid(3) == pytest.approx([0.0, 0.5, 1.0])
    assert Int(1, 3).grid(5) == [1, 2, 3]
    assert Int(1, 1000, log=True).grid(4) == [1, 10, 100, 1000]
    assert Int(1, 100).grid(2) == [1, 100]


def test_whole_numbers_are_drawn_evenly_bounds_included() -> None:
    rng = np.random.default_rng(0)
    counts = np.bincount([Int(1, 4).sample(rng) for _ in range(4000)], minlength=5)[1:]
    assert counts.sum() == 4000
    assert (abs(counts - 1000) < 5 * math.sqrt(1000 * 0.75)).all()


def test_a_log_range_is_drawn_evenly_in_the_logarithm() -> None:
    rng = np.random.default_rng(0)
    exponents = np.log10([Float(1e-6, 1.0, log=True).sample(rng) for _ in range(3000)])
    assert np.histogram(exponents, bins=6, range=(-6, 0))[0] == pytest.approx([500] * 6, abs=5 * math.sqrt(500))


def test_values_take_the_domains_own_form() -> None:
    assert same(canonical(Float(0.0, 5.0), 3), 3.0)
    assert same(canonical(Choice((1, 2)), 2.0), 2)
    assert same(canonical(Choice((True, 1)), 1.0), 1)
    assert same(canonical(Choice((True,)), 1), 1)
    assert same(canonical(Int(1, 5), 3.0), 3.0)
    assert same(canonical(Constant(0.5), "0.5"), "0.5")


def test_a_space_out_of_order_is_a_bug_of_ours() -> None:
    child, parent = SPACE.parameters[1], SPACE.parameters[0]
    with pytest.raises(ValueError, match="before its parent"):
        Space((child, parent))
    with pytest.raises(ValueError, match="two parameters"):
        Space((parent, parent))


def test_records_say_kind_range_and_condition() -> None:
    records = {record.name: record for record in SPACE.records()}
    assert (records["lr"].kind, records["lr"].low, records["lr"].high, records["lr"].log) == ("float", 1e-5, 1.0, True)
    assert records["depth"].kind == "int"
    assert records["loss"].options == ("cross_entropy",)
    momentum = records["optimizer.sgd.momentum"]
    assert (momentum.parent, momentum.parent_value) == ("optimizer", "sgd")


def test_spelling_offers_the_nearest_or_all() -> None:
    assert did_you_mean("AdamWW", ["adamw", "sgd"]) == "did you mean `adamw`?"
    assert did_you_mean("batch-size", ["batch_size", "lr"]) == "did you mean `batch_size`?"
    assert did_you_mean("zzz", ["adamw", "sgd"]) == "write one of adamw, sgd"
    assert did_you_mean("zzz", []) == "leave it out"
    many = ["".join(letters) for letters in itertools.product("ab", repeat=4)]
    assert did_you_mean("zzz", many).endswith("and 4 more")
