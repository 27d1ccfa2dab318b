"""Several workers in one trial compute what one does, go on where they were, and never wait for one that failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import training_kit as kit
from group_kit import Workers
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import InputError
from tuner.records.epochs import Failure, Report
from tuner.training.data import load_splits
from tuner.training.group import Group
from tuner.training.plan import TrainingPlan
from tuner.training.shared_batch_norm import share_batch_norm
from tuner.training.worker import TrialWorker

PLAIN = {"model": "mlp", "model.mlp.depth": 1, "model.mlp.width": 16, "lr": 0.02}


@pytest.fixture(scope="module")
def two() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.end()


def reports(said: list[Report | Failure]) -> list[Report]:
    assert said
    assert all(isinstance(one, Report) for one in said), said
    return [one for one in said if isinstance(one, Report)]


def assert_same_curves(
    workers: Workers, folder: Path, fixed: dict[str, Any], *, epochs: int = 4, tolerance: float = 1e-5
) -> None:
    """Of one worker and of several, who agree among themselves to the bit."""
    one = kit.metrics(kit.run(kit.make_plan(folder / "one", epochs, fixed=fixed)))
    plan = kit.make_plan(folder / "several", epochs, fixed=fixed)
    first, *others = [kit.metrics(reports(said)) for said in workers.train(plan, kit.assignment(plan))]
    assert others
    assert all(other == first for other in others)
    for mine, theirs in zip(first, one, strict=True):
        assert mine == pytest.approx(theirs, rel=tolerance, abs=tolerance)


@given(st.integers(1, 300), st.integers(1, 9))
def test_every_example_of_a_batch_is_in_one_part(count: int, size: int) -> None:
    groups = [Group(rank, size) for rank in range(size)]
    assert sum(group.share(count) for group in groups) == pytest.approx(1)
    parts = [range(count)[group.rows(count)] for group in groups]
    if count < size:
        assert all(len(part) == count for part in parts)
    else:
        assert [row for part in parts for row in part] == list(range(count))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(0, 40), st.integers(1, 5))
def test_each_measured_batch_has_its_turn_once(count: int, size: int) -> None:
    turns = [list(Group(rank, size).turns(range(count))) for rank in range(size)]
    assert sorted(batch for turn in turns for batch in turn) == list(range(count))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fixed",
    [
        {"batch_size": 64},
        {"batch_size": 7, "augmentation": ["translate", "noise"], "gradient_clip": 0.5, "l1": 1e-4},
        {"batch_size": 32, "optimizer": "sgd", "model.mlp.normalisation": "batch"},
        {"batch_size": 32, "schedule": "plateau", "warmup": 1.0, "label_smoothing": 0.1},
    ],
    ids=str,
)
def test_two_workers_are_one(two: Workers, tmp_path: Path, fixed: dict[str, Any]) -> None:
    """The batch is global, its parts unequal (a last batch of 52 or 5), and so are the numbers."""
    assert_same_curves(two, tmp_path, PLAIN | fixed)


@pytest.mark.slow
def test_two_workers_are_one_where_a_step_looks_many_times(two: Workers, tmp_path: Path) -> None:
    """Twenty iterations a step multiply what is rounded, so after one epoch."""
    assert_same_curves(two, tmp_path, PLAIN | {"batch_size": 90, "optimizer": "lbfgs"}, epochs=1, tolerance=1e-2)


@pytest.mark.slow
def test_a_data_loader_draws_one_order_for_both(two: Workers, tmp_path: Path) -> None:
    fixed = {"model": "mlp", "model.mlp.depth": 1, "model.mlp.width": 8, "lr": 0.02}
    plans = [TrainingPlan("group_kit:Shuffled", str(tmp_path / name), fixed=fixed, max_epochs=3) for name in "ab"]
    one = TrialWorker(plans[0], load_splits(plans[0]))
    one.open(kit.assignment(plans[0]))
    alone = kit.metrics([kit.report(one) for _ in range(3)])
    said = two.train(plans[1], kit.assignment(plans[1]))
    first, second = (kit.metrics(reports(each)) for each in said)
    assert first == second
    for mine, theirs in zip(first, alone, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-5)


def test_a_batch_is_divided_however_it_is_made() -> None:
    class Pair(NamedTuple):
        x: torch.Tensor
        name: str

    group, rows = Group(1, 2), torch.arange(5)
    assert group.part(rows, 5).tolist() == [3, 4]
    assert group.part(None, 5) is None
    divided = group.part({"x": rows, "more": [Pair(rows, "a"), torch.tensor(7)]}, 5)
    assert divided["x"].tolist() == [3, 4]
    pair, scalar = divided["more"]
    assert (pair.x.tolist(), pair.name, int(scalar)) == ([3, 4], "a", 7)
    with pytest.raises(InputError, match="batch"):
        group.part({"x": object()}, 5)


@pytest.mark.slow
def test_three_workers_are_one_with_batches_of_two_too(tmp_path: Path) -> None:
    workers = Workers(3)
    try:
        assert_same_curves(workers, tmp_path, PLAIN | {"batch_size": 89})  # 180 examples: 89, 89 and 2
    finally:
        workers.end()


@pytest.mark.slow
def test_a_trial_goes_on_bit_for_bit_with_dropout(two: Workers, tmp_path: Path) -> None:
    fixed = PLAIN | {"batch_size": 32, "model.mlp.dropout": 0.3, "model.mlp.normalisation": "batch"}
    plan = kit.make_plan(tmp_path / "whole", fixed=fixed)
    whole = reports(two.train(plan, kit.assignment(plan))[0])
    plan = kit.make_plan(tmp_path / "halves", fixed=fixed)
    two.train(plan, kit.assignment(plan), epochs=2)
    rest = reports(two.train(plan, kit.assignment(plan, attempt=2, after_epoch=2), epochs=2)[0])
    assert kit.metrics(rest) == kit.metrics(whole)[2:]


@pytest.mark.slow
def test_one_worker_goes_on_with_what_two_left(two: Workers, tmp_path: Path) -> None:
    fixed = PLAIN | {"batch_size": 32, "model.mlp.normalisation": "batch", "optimizer": "sgd"}
    whole = kit.metrics(kit.run(kit.make_plan(tmp_path / "whole", fixed=fixed)))
    plan = kit.make_plan(tmp_path / "halves", fixed=fixed)
    two.train(plan, kit.assignment(plan), epochs=2)
    state = torch.load(tmp_path / "halves" / "0003" / "last.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in state["model"])
    rest = kit.metrics(kit.run(plan, attempt=2, after_epoch=2, epochs=2))
    for mine, theirs in zip(rest, whole[2:], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "rank", "kind"),
    [("rank 0 raises", 0, "raised"), ("rank 1 raises", 1, "raised"), ("rank 1 is out of memory", 1, "out_of_memory")],
)
def test_who_fails_wakes_up_the_others(two: Workers, tmp_path: Path, act: str, rank: int, kind: str) -> None:
    plan = kit.make_plan(tmp_path, fixed=PLAIN)
    said = two.train(plan, kit.assignment(plan), act=act)
    cause, consequence = said[rank][-1], said[1 - rank][-1]
    assert isinstance(cause, Failure)
    assert (cause.kind, "planted" in cause.message) == (kind, True)
    assert isinstance(consequence, Failure)
    assert consequence.kind == "broken"
    assert [len(each) for each in said] == [2, 2]
    assert len(reports(two.train(plan, kit.assignment(plan, trial="0004"))[0])) == 4  # and all are usable again


@pytest.mark.slow
def test_a_worker_that_dies_is_not_waited_for(tmp_path: Path) -> None:
    workers = Workers(2)
    try:
        plan = kit.make_plan(tmp_path, fixed=PLAIN)
        said = workers.train(plan, kit.assignment(plan), act="rank 1 dies")
    finally:
        workers.end()
    assert said[1] == []
    assert isinstance(said[0][-1], Failure)
    assert said[0][-1].kind == "broken"


def test_a_worker_that_is_alone_keeps_its_layers() -> None:
    layer = torch.nn.BatchNorm1d(4)
    assert share_batch_norm(layer, Group(), torch.device("cpu")) is layer
    assert "forward" not in vars(layer)
