"""A worker and its trials: repeatable, resumable, and alive whatever a trial does."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_kit import FIXED, assignment, digits, failure, make_plan, metrics, report, run

from tuner.records.epochs import Report
from tuner.training import device_data
from tuner.training.kinds import KINDS, reported
from tuner.training.model_record import read_record
from tuner.training.run_one import train_one
from tuner.training.task_info import TaskInfo
from tuner.training.worker import TrialWorker

NETS = types.ModuleType("nets_of_the_test")


def build(task: TaskInfo, width: int = 8, fault: str = "") -> nn.Module:
    if fault == "raises":
        raise ValueError("no such net")
    if fault == "exits":
        sys.exit("over and out")
    if fault == "memory":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    if fault == "type":
        return "a net"  # type: ignore[return-value]
    return nn.Sequential(nn.Flatten(), Faulty(fault), nn.Linear(task.input_shape[1] ** 2, width), nn.Linear(width, 10))


class Faulty(nn.Module):
    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fault == "allocates":
            return x + torch.empty(1 << 46)
        if self.fault == "changes its input":
            x.mul_(0.5)
        if self.fault == "nan" and self.training:
            return x * math.nan
        return x


@pytest.fixture
def nets(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(NETS, "build", build, raising=False)
    monkeypatch.setitem(sys.modules, NETS.__name__, NETS)
    return f"{NETS.__name__}:build"


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return dict(state["model"])


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


# --- what is reported


def test_the_first_report_says_what_is_known_and_each_has_all_metrics(tmp_path: Path) -> None:
    reports = run(make_plan(tmp_path))
    assert [each.epoch.epoch for each in reports] == [1, 2, 3, 4]
    assert all(set(each.epoch.metrics) == set(reported(KINDS["classes"].metrics)) for each in reports)
    facts = reports[0].facts
    assert facts is not None
    assert [each.facts for each in reports[1:]] == [None] * 3
    assert (facts.num_classes, facts.n_train, facts.n_val, facts.steps_per_epoch) == (10, 180, 60, 3)
    assert facts.n_parameters == 64 * 16 + 16 + 16 * 10 + 10
    assert facts.initial_loss == pytest.approx(math.log(10), abs=0.3)
    assert facts.baseline_loss == pytest.approx(math.log(10), abs=0.01)
    assert (facts.train_eval, facts.device, facts.data_hash) == ("epoch_mean", "cpu", digits().data_hash)


def test_metrics_are_what_a_slow_obvious_loop_measures(tmp_path: Path) -> None:
    """One epoch of plain descent with the whole training split as one batch, worked out with autograd alone."""
    config = {"optimizer": "sgd", "lr": 0.5, "batch_size": 180, "model.mlp.dropout": 0.0}
    ours = run(make_plan(tmp_path), config, epochs=1)[0]
    from tuner.training.models.mlp import build as build_mlp
    from tuner.training.randomness import Randomness

    splits = digits()
    with Randomness(5, torch.device("cpu")).lent():
        model = build_mlp(splits.task, 1, 16)
    x, y = torch.tensor(splits.train_x), torch.tensor(splits.train_y)
    loss = nn.functional.cross_entropy(model(x), y)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for weight, gradient in zip(model.parameters(), gradients, strict=True):
            weight -= 0.5 * gradient
        outputs = model(torch.tensor(splits.val_x))
        val_y = torch.tensor(splits.val_y)
        sample = model(x[:60])
    expected = {
        "train_loss": loss.item(),
        "grad_norm": math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients)),
        "val_loss": nn.functional.cross_entropy(outputs, val_y).item(),
        "val_accuracy": (outputs.argmax(1) == val_y).float().mean().item(),
        "train_eval_loss": nn.functional.cross_entropy(sample, y[:60]).item(),
        "train_accuracy": (sample.argmax(1) == y[:60]).float().mean().item(),
        "lr": 0.5,
    }
    assert dict(ours.epoch.metrics) == pytest.approx(expected, rel=1e-5)


def test_every_example_is_seen_once_an_epoch_the_last_alone_in_none() -> None:
    data = device_data.DeviceCache(digits(), torch.device("cpu")).get(standardise=True)
    generator = torch.Generator().manual_seed(0)
    for size in (1, 7, 60, 179, 180, 1000):
        batches = list(data.batches(size, generator))
        assert [len(y) for _, y in batches] == data.batch_sizes(size)
        assert min(data.batch_sizes(size)) > 1 or size == 1
        seen = torch.cat([x for x, _ in batches]).flatten(1)
        assert torch.equal(seen.sum(1).sort().values, data.train_x.flatten(1).sum(1).sort().values)
    assert data.batch_sizes(179) == [180]


def test_chunks_do_not_change_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    data = device_data.DeviceCache(digits(), torch.device("cpu")).get(standardise=True)
    found = []
    for chunk in (1, 1 << 12, 1 << 24):
        monkeypatch.setattr(device_data, "CHUNK_BYTES", chunk)
        found.append([y.tolist() for _, y in data.batches(16, torch.Generator().manual_seed(0))])
    assert found[0] == found[1] == found[2]


def test_raw_inputs_are_those_before_standardisation() -> None:
    cache = device_data.DeviceCache(digits(), torch.device("cpu"))
    assert cache.get(standardise=False).train_x.min().item() == pytest.approx(0, abs=1e-4)
    assert cache.get(standardise=False).train_x.max().item() == pytest.approx(16, abs=1e-4)
    assert cache.get(standardise=True) is cache.get(standardise=True)


def test_arrays_that_cannot_be_written_are_used_without_a_copy() -> None:
    splits = digits()
    splits.train_x.flags.writeable = False  # as they arrive from Ray's object store
    data = device_data.DeviceCache(splits, torch.device("cpu")).get(standardise=True)
    assert data.train_x.data_ptr() == splits.train_x.ctypes.data


# --- the same again


def test_a_trial_can_be_had_again_bit_for_bit(tmp_path: Path) -> None:
    config = {"augmentation": "translate", "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}
    one, two = (run(make_plan(tmp_path / name), config) for name in "ab")
    assert metrics(one) == metrics(two)
    assert same(weights(tmp_path / "a/0003/last.pt"), weights(tmp_path / "b/0003/last.pt"))
    assert metrics(run(make_plan(tmp_path / "c"), config, seed=6)) != metrics(one)


def test_neither_the_worker_s_past_nor_its_neighbours_matter(tmp_path: Path) -> None:
    alone = metrics(run(make_plan(tmp_path / "a")))
    one, two = (TrialWorker(make_plan(tmp_path / name), digits()) for name in "bc")
    one.open(assignment(one.plan, seed=77))
    report(one)
    one.open(assignment(one.plan))
    two.open(assignment(two.plan, seed=99))
    found = []
    for _ in range(4):  # in turns, and torch's global generator is used in between
        found.append(report(one))
        report(two)
        torch.rand(3)
    assert metrics(found) == alone


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "schedule": "one_cycle"},
        {"schedule": "plateau", "schedule.plateau.patience": 0, "lr": 0.1},
        {"schedule": "cosine", "warmup": 1.5, "gradient_clip": 0.1, "augmentation": "noise"},
        {"schedule": "exponential", "schedule.exponential.gamma": 0.5, "model.mlp.normalisation": "batch"},
        {"optimizer": "lbfgs", "batch_size": 200, "lr": 0.1},
        {"amp": "bf16", "label_smoothing": 0.1, "l1": 1e-4},
    ],
    ids=str,
)
def test_a_trial_resumed_from_its_checkpoint_is_the_uninterrupted_one(tmp_path: Path, config: dict[str, Any]) -> None:
    whole = run(make_plan(tmp_path / "a", 6), config)
    first = run(make_plan(tmp_path / "b", 6), config, epochs=3)
    rest = run(make_plan(tmp_path / "b", 6), config, epochs=3, attempt=2, after_epoch=3)
    assert [each.epoch.epoch for each in rest] == [4, 5, 6]
    assert metrics(first + rest) == metrics(whole)
    assert same(weights(tmp_path / "a/0003/last.pt"), weights(tmp_path / "b/0003/last.pt"))
    assert rest[0].facts == whole[0].facts


def test_epochs_that_the_journal_lacks_are_told_again_without_training(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 6)
    first = run(plan, epochs=4)
    written = (tmp_path / "0003/last.pt").stat().st_mtime_ns
    again = run(plan, epochs=3, attempt=2, after_epoch=1)
    assert [each.epoch for each in again] == [each.epoch for each in first[1:]]
    assert again[0].attempt == 2
    assert again[0].facts is not None
    assert (tmp_path / "0003/last.pt").stat().st_mtime_ns == written


def test_epochs_after_the_checkpoint_are_trained_again(tmp_path: Path) -> None:
    whole = run(make_plan(tmp_path / "a", 6))
    plan = make_plan(tmp_path / "b", 6, every=2, metric="train_loss", mode="max")  # so that epoch 1 is the best
    run(plan, epochs=3)
    again = run(plan, epochs=4, attempt=2, after_epoch=3)
    assert [each.epoch.epoch for each in again] == [3, 4, 5, 6]
    assert metrics(again) == metrics(whole[2:])


def test_a_checkpoint_of_another_trial_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    whole = run(make_plan(tmp_path / "a"))
    plan = make_plan(tmp_path / "b")
    run(plan, {"lr": 0.5}, epochs=2)
    assert metrics(run(plan, attempt=2)) == metrics(whole)
    (tmp_path / "b/0003/last.pt").write_bytes(b"half of a chec")
    assert metrics(run(plan, attempt=3, after_epoch=2)) == metrics(whole)


# --- checkpoints


def test_best_is_the_best_epochs_checkpoint_by_the_sweeps_metric(tmp_path: Path) -> None:
    reports = run(make_plan(tmp_path, 5, metric="train_accuracy", mode="max"), {"lr": 0.3})
    values = [each["train_accuracy"] for each in metrics(reports)]
    best = read_record(tmp_path / "0003/best.safetensors")
    assert (best.epoch, best.value) == (int(np.argmax(values)) + 1, max(values))
    assert sorted(path.name for path in (tmp_path / "0003").iterdir()) == ["best.safetensors", "last.pt", "pictures"]


def test_a_checkpoint_is_written_when_due_or_best_or_last(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 5, every=3, metric="train_loss", mode="max")  # falls: epoch 1 stays the best
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    found = []
    for _ in range(5):
        report(worker)
        found.append(torch.load(tmp_path / "0003/last.pt", weights_only=True)["epoch"])
    assert found == [1, 1, 3, 3, 5]
    assert read_record(tmp_path / "0003/best.safetensors").epoch == 1


# --- how a trial ends


def test_patience_ends_a_trial(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 9, metric="lr")  # constant, so epoch 1 stays the best
    reports = run(plan, {"patience": 2})
    assert [each.finished for each in reports] == [None, None, "patience 2: no better lr since epoch 1"]


def test_a_loss_that_is_not_a_number_is_reported_as_such(tmp_path: Path, nets: str) -> None:
    reports = run(make_plan(tmp_path, 2, model=nets, fixed={"fault": "nan"}))
    assert math.isnan(reports[0].epoch.metrics["train_loss"])
    assert len(reports) == 2
    assert not (tmp_path / "0003/best.safetensors").exists()


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("raises", "raised", "ValueError: no such net"),
        ("exits", "raised", "SystemExit: over and out"),
        ("type", "raised", "not a model"),
        ("memory", "out_of_memory", "batch_size 64 and nets_of_the_test:build fault memory: 2 GiB more asked for"),
        (
            "allocates",
            "out_of_memory",
            "nets_of_the_test:build fault allocates (610 weights): 256 TiB more asked for, this machine has",
        ),
    ],
)
def test_a_fault_of_the_users_is_a_failure_and_the_worker_lives_on(
    tmp_path: Path, nets: str, fault: str, kind: str, says: str
) -> None:
    plan = make_plan(tmp_path, model=nets, fixed={})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan, {"fault": fault}))
    told = failure(worker)
    assert told.kind == kind
    assert says in told.message
    assert "Traceback" in told.traceback
    assert worker.step() == told
    worker.open(assignment(plan, {"fault": ""}))
    assert report(worker).epoch.epoch == 1


def test_a_parameter_that_the_builder_does_not_take_is_a_failure(tmp_path: Path, nets: str) -> None:
    plan = make_plan(tmp_path, model=nets, fixed={"depth": 3})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "depth" in failure(worker).message


def test_a_model_that_changes_its_input_does_not_change_the_data(tmp_path: Path, nets: str) -> None:
    before = digits().val_x.copy()
    run(make_plan(tmp_path, model=nets, fixed={"fault": "changes its input"}))
    assert np.array_equal(digits().val_x, before)


def test_an_unknown_metric_is_named(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, metric="val_f1")
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "val_f1" in failure(worker).traceback


def test_a_shared_parameter_goes_to_the_models_that_take_it(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, fixed={"dropout": 0.5, "width": 8})
    assert run(plan, {"model": "softmax"}, epochs=1)[0].facts.n_parameters == 650  # type: ignore[union-attr]
    assert run(plan, {"model": "mlp"}, epochs=1)[0].facts.n_parameters == 64 * 8 + 8 + 72 + 90  # type: ignore[union-attr]


def test_one_configuration_in_this_process(tmp_path: Path) -> None:
    plan, seen = make_plan(tmp_path), []
    last = train_one(plan, digits(), assignment(plan), seen.append)
    assert isinstance(last, Report)
    assert last is seen[-1]
    assert len(seen) == 4


@pytest.mark.parametrize(
    "fixed",
    [
        {"model": "softmax"},
        {"model": "cnn", "model.cnn.width": 4, "model.cnn.normalisation": "batch", "channels_last": True},
        {"model": "cnn", "model.cnn.width": 4, "augmentation": ("crop", "rotate"), "augmentation_strength": 0.5},
        {"loss": "multi_margin", "loss.multi_margin.p": 2, "initialisation": "he", **FIXED},
        {"amp": "bf16", "standardise": False, "l1": 1e-5, "label_smoothing": 0.1, "gradient_clip": 1.0, **FIXED},
    ],
    ids=str,
)
def test_all_kinds_of_trials_learn(tmp_path: Path, fixed: dict[str, Any]) -> None:
    reports = run(make_plan(tmp_path, 8, fixed={"lr": 0.01, "batch_size": 16, **fixed}))
    accuracies = [each["val_accuracy"] for each in metrics(reports)]
    assert max(accuracies) > 0.6


def test_zero_weights_learn_nothing(tmp_path: Path) -> None:
    reports = run(make_plan(tmp_path, 4, fixed={**FIXED, "initialisation": "zero"}))
    assert reports[-1].epoch.metrics["val_accuracy"] < 0.2


def test_half_precision_needs_a_gpu(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, fixed={**FIXED, "amp": "fp16"})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    assert "bf16" in failure(worker).traceback


@pytest.mark.slow
def test_a_compiled_trial_is_nearly_the_same_and_resumes(tmp_path: Path) -> None:
    config = {"model.mlp.dropout": 0.0}
    plain = run(make_plan(tmp_path / "a"), config)
    plan = make_plan(tmp_path / "b", fixed={**FIXED, "compile": True})
    compiled = run(plan, config, epochs=2) + run(plan, config, epochs=2, attempt=2, after_epoch=2)
    for one, two in zip(metrics(plain), metrics(compiled), strict=True):
        assert one["train_loss"] == pytest.approx(two["train_loss"], rel=1e-3)


def test_a_worker_that_compiles_nothing_never_imports_torchs_compiler(tmp_path: Path) -> None:
    code = (
        "import sys; from training_kit import *; from pathlib import Path; plan = make_plan(Path(sys.argv[1]), 2)\n"
        "for o in ('adamw', 'sgd', 'lbfgs', 'rmsprop'): run(plan, {'optimizer': o, 'schedule': 'cosine'})\n"
        "run(plan, attempt=2)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
