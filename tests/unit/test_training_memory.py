"""What a trial held is free once it is over, whichever way it ended."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import types
import weakref
from pathlib import Path

import pytest
import torch
from torch import nn
from training_kit import assignment, digits, failure, make_plan, report

from tuner.training.task_info import TaskInfo
from tuner.training.worker import TrialWorker

NETS = types.ModuleType("nets_of_the_memory_test")
KEPT: list[weakref.ref[object]] = []


class Counted(nn.Module):
    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails, self.layer = fails, nn.Linear(64, 10)
        KEPT.extend((weakref.ref(self), weakref.ref(self.layer.weight)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer(x.flatten(1))
        KEPT.append(weakref.ref(found))
        if self.fails and self.training:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return found


def build(task: TaskInfo, fails: bool = False) -> nn.Module:
    return Counted(fails)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("config", [{"optimizer": "adamw"}, {"optimizer": "lbfgs"}, {"schedule": "one_cycle"}], ids=str)
def test_a_trial_that_is_over_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], fails: bool
) -> None:
    """Without a collection: a cycle would keep a small network until one happens to come by."""
    monkeypatch.setattr(NETS, "build", build, raising=False)
    monkeypatch.setitem(sys.modules, NETS.__name__, NETS)
    KEPT.clear()
    plan = make_plan(tmp_path, model=f"{NETS.__name__}:build", fixed={})
    worker = TrialWorker(plan, digits())
    gc.collect()
    gc.disable()
    try:
        worker.open(assignment(plan, {**config, "fails": fails}))
        told = failure(worker) if fails else report(worker)
        worker.close()
        assert len(KEPT) > 3
        assert [kept() for kept in KEPT if kept() is not None] == []
        assert told.trial == "0003"
    finally:
        gc.enable()


ALTERNATING = """
import sys
from pathlib import Path
from training_kit import TrialWorker, assignment, digits, make_plan, report

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

plan = make_plan(Path(sys.argv[1]), 1)
worker = TrialWorker(plan, digits())
sizes = {"model.mlp.width": 1400, "model.mlp.depth": 3}, {"model.mlp.width": 300, "model.mlp.depth": 2}
for number in range(30):
    worker.open(assignment(plan, sizes[number % 2], trial="0000"))
    report(worker)
    worker.close()
    print(resident())
"""


@pytest.mark.slow
def test_thirty_large_and_small_trials_in_turn_do_not_fill_the_memory(tmp_path: Path) -> None:
    """4 million weights with gradients and two moments are 64 MiB: fifteen of them kept would be 960 MiB."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", ALTERNATING, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    resident = [int(row) for row in done.stdout.split()]
    assert len(resident) == 30
    assert max(resident[10:]) - max(resident[:10]) < 300, resident
