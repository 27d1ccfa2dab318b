"""Sequences of numbers: the adding problem, months of sea temperature, recurrent and convolutional networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from training_kit import assignment

from tuner.errors import Fault, InputError, SweepFileError
from tuner.records.epochs import Report
from tuner.sweep import Sweep, parse_sweep
from tuner.training.catalogue import CATALOGUE
from tuner.training.data import find_task, load_splits
from tuner.training.models import cnn1d, rnn
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Adding, ElNino
from tuner.training.worker import TrialWorker

SERIES = TaskInfo("series", (12, 2), 0, 100, kind="values", outputs=1)
TEXT = TaskInfo("text", (12,), 0, 100, kind="tokens", outputs=5, vocabulary=5)


def test_the_sum_of_the_two_marked_numbers_is_the_target() -> None:
    made = Adding(length=10, sequences=4000).load(None)
    x, y = np.asarray(made.x), np.asarray(made.y)
    assert x.shape == (4000, 10, 2)
    marked = x[:, :, 1] == 1
    assert (marked[:, :5].sum(1) == 1).all()
    assert (marked[:, 5:].sum(1) == 1).all()
    assert np.allclose((x[:, :, 0] * marked).sum(1), y[:, 0])
    assert y.var() == pytest.approx(1 / 6, rel=0.05)
    again = Adding(length=10, sequences=4000).load(None)
    assert np.array_equal(again.x, made.x)


def test_the_months_follow_each_other_and_the_next_one_is_the_target() -> None:
    made = ElNino(window=12).load(None)
    x, y = np.asarray(made.x)[:, :, 0], np.asarray(made.y)[:, 0]
    assert x.shape == (720, 12)
    assert made.ordered
    assert x[0, 0] == np.float32(23.11)  # January 1950
    assert np.array_equal(x[1:, :-1], x[:-1, 1:])
    assert np.array_equal(x[1:, -1], y[:-1])
    with pytest.raises(InputError, match="at most 722"):
        ElNino(window=730).load(None)


def test_fixed_gives_the_task_what_it_takes(tmp_path: Path) -> None:
    fixed = {"length": 6, "sequences": 50, "lr": 0.01}
    task = find_task("adding", fixed=fixed)
    assert isinstance(task, Adding)
    assert (task.length, task.sequences) == (6, 50)
    splits = load_splits(TrainingPlan("adding", str(tmp_path), fixed=fixed))
    assert splits.task.input_shape == (6, 2)
    assert find_task("adding").length == 100  # type: ignore[union-attr]


def test_no_model_takes_what_a_task_takes() -> None:
    claimed = {spec.name for spec in CATALOGUE.trainer}
    claimed |= {spec.name for model in CATALOGUE.family("model").values() for spec in model.parameters}
    for task in CATALOGUE.family("task").values():
        assert not claimed & {spec.name for spec in task.parameters}, task.name


def own(task: TaskInfo, width: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(task.input_shape)), width), nn.Linear(width, 1))


def test_a_model_of_ones_own_is_not_given_what_the_task_takes(tmp_path: Path) -> None:
    fixed = {"length": 6, "sequences": 50, "width": 4}
    plan = TrainingPlan("adding", str(tmp_path), model=f"{__name__}:own", fixed=fixed, max_epochs=1)
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(assignment(plan))
    assert isinstance(worker.step(), Report)


def test_the_last_state_answers_or_each_state(tmp_path: Path) -> None:
    for cell in rnn.CELLS:
        network = rnn.build(SERIES, cell=cell, width=8, layers=2, dropout=0.1, bidirectional=True)
        assert network(torch.rand(3, 12, 2)).shape == (3, 1)
        assert rnn.build(TEXT, cell=cell, width=8)(torch.zeros(3, 12, dtype=torch.long)).shape == (3, 12, 5)
    with pytest.raises(InputError, match="set it to false"):
        rnn.build(TEXT, bidirectional=True)
    with pytest.raises(InputError, match="take mlp or cnn"):
        rnn.build(TaskInfo("digits", (1, 8, 8), 10, 100))


def test_the_way_back_answers_after_the_first_step() -> None:
    network = rnn.build(SERIES, width=8, bidirectional=True)
    assert isinstance(network, rnn.Recurrent)
    x = torch.rand(1, 12, 2)
    _, (final, _) = network.cells(x)
    states, _ = network.cells(x)
    assert torch.allclose(network._last(states), final.transpose(0, 1).flatten(1), atol=1e-6)


def test_memory_goes_on_where_it_stopped() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(5, (2, 12))
    for cell in rnn.CELLS:
        network = rnn.build(TEXT, cell=cell, width=8, layers=2).eval()
        assert isinstance(network, rnn.Recurrent)
        _, memory = network.go_on(tokens[:, :7])
        last, _ = network.go_on(tokens[:, 7:], memory)
        assert torch.allclose(last, network(tokens)[:, -1], atol=1e-6)


@pytest.mark.parametrize("reach", ["dilation", "stride"])
@pytest.mark.parametrize("pooling", ["average", "max", "none"])
def test_convolutions_over_steps_fit_whatever_is_chosen(reach: str, pooling: str) -> None:
    for kernel in (3, 5):
        for normalisation in ("none", "batch", "layer", "group"):
            network = cnn1d.build(
                SERIES, width=8, kernel=kernel, reach=reach, pooling=pooling, normalisation=normalisation
            )
            assert network(torch.rand(3, 12, 2)).shape == (3, 1)
    assert cnn1d.build(SERIES, activation="maxout", pooling=pooling)(torch.rand(3, 12, 2)).shape == (3, 1)


def test_dilated_convolutions_see_as_far_as_they_say() -> None:
    """Four blocks of kernel 3 with dilations 1, 2, 4 and 8 see 2 · 15 + 1 = 31 steps."""
    torch.manual_seed(0)
    info = TaskInfo("series", (64, 1), 0, 100, kind="values", outputs=1)
    network = cnn1d.build(info, blocks=4, width=4, activation="identity", pooling="none")
    body = network[:-2]
    x = torch.zeros(1, 64, 1, requires_grad=True)
    body(x)[0, :, 32].sum().backward()
    assert x.grad is not None
    seen = x.grad[0, :, 0].nonzero().flatten().tolist()
    assert (seen[0], seen[-1]) == (17, 47)


def test_too_many_strides_are_refused_with_the_cure() -> None:
    with pytest.raises(InputError, match="odd kernel"):
        cnn1d.build(SERIES, blocks=6, kernel=2, reach="stride")
    with pytest.raises(InputError, match="take rnn or transformer"):
        cnn1d.build(TEXT)


SWEEP = """
task: adding
model: rnn
space: {lr: {float: [1e-4, 1e-1], log: true}}
fixed: {length: 50}
"""


def read(text: str) -> Sweep:
    return parse_sweep(text, path="sweep.yaml", catalogue=CATALOGUE)


def fault_of(text: str) -> Fault:
    with pytest.raises(SweepFileError) as caught:
        read(text)
    (fault,) = caught.value.faults
    return fault


def test_a_tasks_parameters_stand_in_fixed_alone() -> None:
    assert read(SWEEP).fixed == {"length": 50}
    fault = fault_of(SWEEP.replace("length: 50", "length: 2"))
    assert (fault.where, fault.found) == ("fixed.length", 2)
    searched = SWEEP.replace("log: true}", "log: true}, sequences: {int: [10, 20]}")
    fault = fault_of(searched)
    assert "write it in `fixed`" in fault.cure
    fault = fault_of(SWEEP.replace("task: adding", "task: elnino"))
    assert "the task elnino does not take it; `adding` does" in fault.cure


def test_an_lstm_keeps_what_it_holds_at_first() -> None:
    network = rnn.build(SERIES, cell="lstm", width=8, layers=2, bidirectional=True)
    assert isinstance(network, rnn.Recurrent)
    weights = dict(network.cells.named_parameters())
    for name in ("l0", "l1", "l0_reverse", "l1_reverse"):
        both = weights[f"bias_ih_{name}"] + weights[f"bias_hh_{name}"]
        assert (both[8:16] == 1).all()
        assert not (both[:8] == 0).any()


def test_an_irnn_begins_as_the_identity() -> None:
    network = rnn.build(SERIES, cell="irnn", width=8)
    assert isinstance(network, rnn.Recurrent)
    _, state = network.cells(torch.rand(3, 1, 2))
    _, later = network.cells(torch.zeros(3, 40, 2), state)
    assert torch.equal(later, state)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clipping_keeps_a_network_whose_gradients_explode(seed: int, tmp_path: Path) -> None:
    """An identity RNN over 60 steps: without clipping one step throws it beyond all numbers of the task."""
    lost, kept = (_after_an_epoch(clip, seed, tmp_path / str(clip)) for clip in (0.0, 1.0))
    assert not lost < 1000  # or NaN
    assert kept < 0.5


def _after_an_epoch(clip: float, seed: int, folder: Path) -> float:
    fixed = {"length": 60, "sequences": 1200, "cell": "irnn", "width": 32, "lr": 0.01, "batch_size": 32}
    fixed |= {"optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "gradient_clip": clip}
    plan = TrainingPlan("adding", str(folder), model="rnn", fixed=fixed, max_epochs=1)
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(assignment(plan, seed=seed))
    report = worker.step()
    assert isinstance(report, Report)
    return report.epoch.metrics["val_loss"]


def test_long_gates_hold_a_feature_for_up_to_a_sequence() -> None:
    torch.manual_seed(0)
    info = TaskInfo("series", (101, 2), 0, 100, kind="values", outputs=1)
    for cell, gate in (("lstm", slice(200, 400)), ("gru", slice(200, 400))):
        network = rnn.build(info, cell=cell, width=200, gates="long")
        assert isinstance(network, rnn.Recurrent)
        both = (network.cells.bias_ih_l0 + network.cells.bias_hh_l0).detach()
        kept = both[gate].sigmoid()
        steps = 1 / (1 - kept)  # log(u) of a bias is a time of 1 + u steps
        assert 2 <= steps.min() < 10 < 90 < steps.max() <= 101
        if cell == "lstm":
            assert torch.equal(both[:200], -both[gate])
