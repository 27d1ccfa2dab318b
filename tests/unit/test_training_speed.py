"""What keeps training fast, each by itself: nothing waits for the device, freed memory stays, the layout that pays."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_kit import FIXED, assignment, digits, loop_plan, make_plan, report

from tuner.training.device_data import DeviceCache, room_on
from tuner.training.epoch_mean import TOGETHER, EpochMean
from tuner.training.layout import channels_last_pays
from tuner.training.memory import VARIABLES
from tuner.training.session import Session
from tuner.training.trial import Trial
from tuner.training.worker import TrialWorker

CPU = torch.device("cpu")


@pytest.mark.parametrize("targets", ["raw", "standardised"])
def test_examples_that_find_no_room_stream_in_the_same_batches(targets: str) -> None:
    rng = np.random.default_rng(0)
    splits = digits()
    if targets != "raw":
        values = replace(splits.task, kind="values")
        y = [rng.normal(size=(len(x), 1)).astype(np.float32) for x in (splits.train_x, splits.val_x)]
        splits = replace(splits, task=values, train_y=y[0], val_y=y[1])
    resident = DeviceCache(splits, CPU).get(targets=targets)
    streamed = DeviceCache(splits, CPU, room=1000).get(targets=targets)
    roomy = DeviceCache(splits, CPU, room=1 << 30).get(targets=targets)
    assert (resident.streams_to, streamed.streams_to, roomy.streams_to) == (None, CPU, None)
    assert streamed.device == CPU
    for data in (streamed, roomy):
        for name in ("batches", "train_sample", "validation"):
            given = [(32, torch.Generator().manual_seed(3)) if name == "batches" else () for _ in range(2)]
            one, two = (list(getattr(each, name)(*some)) for each, some in zip((resident, data), given, strict=True))
            assert len(one) > 0
            assert all(torch.equal(a, b) for x, y in zip(one, two, strict=True) for a, b in zip(x, y, strict=True))
    next(streamed.validation())[0].zero_()  # a batch is a copy, or a model would change the data of all
    assert streamed.val_x.any()


def test_a_cpu_has_room_for_all() -> None:
    assert room_on(CPU, 0.0) is None


class Calls(TorchDispatchMode):
    """The operations that were called, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(function.overloadpacket._qualified_op_name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "fixed",
    [
        FIXED,
        {**FIXED, "gradient_clip": 0.5, "schedule": "one_cycle", "l1": 1e-5, "label_smoothing": 0.1},
        {**FIXED, "amp": "bf16", "optimizer": "rmsprop", "warmup": 1.5},
        {"model": "cnn", "model.cnn.width": 4, "augmentation": ("crop", "flip", "noise")},
    ],
    ids=str,
)
def test_nothing_is_fetched_from_the_device_within_an_epoch(tmp_path: Path, fixed: dict[str, Any]) -> None:
    plan = make_plan(tmp_path, fixed={"batch_size": 32, **fixed})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    report(worker)  # the first epoch may set things up
    session = worker._session
    assert isinstance(session, Session)
    with Calls() as calls, session.randomness.lent():
        measured = session.trainer.train_epoch(session.data, session.randomness.data)
        measured |= session.trainer.evaluate(session.data.validation())
    assert "aten::addmm" in calls.names
    assert "aten::_local_scalar_dense" not in calls.names  # what item(), float() and a comparison would call
    with Calls() as calls:
        torch.stack([value.float() for value in measured.values()])[0].item()
    assert "aten::_local_scalar_dense" in calls.names


def test_an_epochs_mean_weighs_batches_by_their_examples() -> None:
    mean = EpochMean()
    values = [0.1 * n % 1.0 for n in range(2 * TOGETHER + 5)]
    counts = [32] * (len(values) - 1) + [7]
    for value, count in zip(values, counts, strict=True):
        mean.add(torch.tensor(value), count)
    expected = math.fsum(v * n for v, n in zip(values, counts, strict=True)) / sum(counts)
    assert float(mean.value()) == pytest.approx(expected, rel=1e-6)
    assert math.isnan(EpochMean().value())


@pytest.mark.parametrize(
    ("layers", "pays"),
    [
        ((nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)), True),
        ((nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.AvgPool2d(2)), True),
        ((nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.MaxPool2d(2)), False),
        ((nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2), nn.MaxPool2d(2)), False),
        ((nn.Conv2d(1, 2, 3, stride=2),), False),
        ((nn.Linear(4, 2),), False),
    ],
    ids=str,
)
def test_channels_last_where_a_cpu_gains_by_it(layers: tuple[nn.Module, ...], pays: bool) -> None:
    assert channels_last_pays(nn.Sequential(*layers), CPU, None) is pays


def test_channels_last_on_a_gpu_only_with_mixed_precision() -> None:
    gpu, net = torch.device("cuda"), nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2))
    assert not channels_last_pays(net, gpu, None)
    assert channels_last_pays(net, gpu, torch.bfloat16)
    assert not channels_last_pays(nn.Linear(2, 2), gpu, torch.bfloat16)


@pytest.mark.parametrize(("told", "laid_out"), [({}, True), ({"channels_last": False}, False)], ids=str)
def test_a_sweep_may_say_the_layout_itself(tmp_path: Path, told: dict[str, Any], laid_out: bool) -> None:
    plan = make_plan(tmp_path, fixed={"model": "cnn", "model.cnn.width": 4, **told})
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    session = worker._session
    assert isinstance(session, Session)
    second = [weight for weight in session.trainer.weights if weight.ndim == 4][1]
    assert second.is_contiguous(memory_format=torch.channels_last) is laid_out


@pytest.fixture
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
def test_threads_follow_the_resources(tmp_path: Path) -> None:
    def loop(trial: Trial) -> None:
        trial.report(1, val_loss=torch.get_num_threads())

    for cpu in (2, 1):
        worker = TrialWorker(make_plan(tmp_path, cpu=cpu), digits())
        assert torch.get_num_threads() == cpu
        worker = TrialWorker(loop_plan(tmp_path, loop, cpu=3 - cpu))
        worker.open(assignment(worker.plan))
        assert report(worker).epoch.metrics["val_loss"] == 3 - cpu
        worker.close()


FAULTS = """
import resource, torch
from tuner.training.memory import hand_back, keep_freed_memory
torch.set_num_threads(1)
done = keep_freed_memory()
def step():
    return torch.ones(6_000_000)  # 24 MB: glibc makes a mapping of it, or trims the heap when it is freed
for _ in range(10):  # until the heap has found its shape
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
hand_back()
step()
print(done, faults, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before - faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps what it likes")
@pytest.mark.parametrize("told", [{}, {VARIABLES[0]: "1000000"}], ids=["ours", "the environment's"])
def test_freed_memory_is_kept_for_the_next_step(told: dict[str, str]) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES} | told
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    kept, faults, after = done.stdout.split()
    if told:
        assert kept == "False"
        assert int(faults) > 1000  # else this test would see nothing
    else:
        assert kept == "True"
        assert int(faults) < 100  # of 5 × 5,860 pages
        assert int(after) > 1000  # handed back, they have to be made anew
