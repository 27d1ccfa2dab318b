"""Trials of two workers on a real Ray: stopped early by the dozen, and with one worker that fails, dies or hangs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import tuner
from tuner.errors import InputError

pytestmark = pytest.mark.slow

SPACE = {"x": {"float": [0.0, 1.0]}}
TWO = {"resources.workers": 2, "resources.cpu": 0.5}


def together(trial: tuner.Trial) -> None:
    """What both have computed, with trouble in single trials."""
    import torch
    import torch.distributed as dist

    assert (dist.get_rank(), dist.get_world_size()) == (trial.rank, trial.world_size)
    folder = Path(str(trial.config["folder"]))
    for epoch in range(1, trial.max_epochs + 1):
        here = (trial.name, trial.rank, epoch)
        if here in (("0001", 1, 2), ("0002", 0, 2)):
            raise ValueError("planted")
        if here == ("0003", 1, 2):
            raise torch.OutOfMemoryError("planted")
        if here == ("0004", 1, 2) and not (folder / "died").exists():
            (folder / "died").touch()
            os._exit(1)
        if here == ("0005", 0, 2) and not (folder / "died first").exists():
            (folder / "died first").touch()
            os._exit(1)
        if here == ("0007", 0, 3):
            return
        both = torch.tensor([1.0 + trial.rank])
        dist.all_reduce(both)
        loss = float("nan") if trial.name == "0008" and epoch == 2 else float(both) / epoch
        if trial.rank == 0:
            trial.report(epoch, train_loss=loss, val_loss=loss)
        elif trial.name != "0006":  # there rank 0 alone reports
            trial.report(epoch, val_loss=-1.0)


def hanging(trial: tuner.Trial) -> None:
    import torch
    import torch.distributed as dist

    for epoch in (1, 2):
        if (trial.name, trial.rank, epoch) == ("0000", 1, 2):
            time.sleep(600)
        dist.all_reduce(torch.ones(1))
        trial.report(epoch, train_loss=1.0, val_loss=1.0)


@pytest.fixture(autouse=True)
def _ray(local_ray: None) -> None:
    pass


def run(function, tmp_path: Path, settings: dict, **more) -> tuner.Result:
    return tuner.run(function, space=SPACE, runs=tmp_path / "runs", track=False, settings=TWO | settings, **more)


def test_trouble_in_one_worker_does_not_hang_the_other(tmp_path: Path) -> None:
    settings = {"search.scheduler": "none", "fixed": {"folder": str(tmp_path)}}
    result = run(together, tmp_path, settings, trials=11, max_epochs=4)
    trials = {trial.trial: trial for trial in result.record.trials}
    assert {name: trial.ending for name, trial in trials.items()} == {
        "0000": "completed",
        "0001": "failed",
        "0002": "failed",
        "0003": "failed",
        "0004": "completed",
        "0005": "completed",
        "0006": "completed",
        "0007": "completed",
        "0008": "doomed",
        "0009": "completed",
        "0010": "completed",
    }
    assert "ValueError: planted (worker 1 of 2)" in trials["0001"].reason
    assert "ValueError: planted (worker 0 of 2)" in trials["0002"].reason
    assert "planted" in trials["0002"].traceback
    assert trials["0003"].failure == "out_of_memory"
    assert (trials["0004"].attempt, trials["0005"].attempt) == (2, 2)
    assert trials["0000"].value == pytest.approx(3 / 4)  # what rank 0 reports of what both have
    assert len(trials["0007"].epochs) == 2


def test_a_worker_that_hangs_is_ended_with_its_trial(tmp_path: Path) -> None:
    settings = {"search.scheduler": "none", "retries.silent_minutes": 0.1}
    result = run(hanging, tmp_path, settings, trials=4, max_epochs=2)
    assert list(result.trials.ending) == ["failed", "completed", "completed", "completed"]
    assert "silent" in result.record.trials[0].reason


def test_half_of_the_trials_are_stopped_early(tmp_path: Path) -> None:
    """`docs/log.md` has the figures of fifty."""
    settings = TWO | {"tracking.uri": "none", "search.scheduler": "asha"}
    result = tuner.run("digits_mlp", trials=16, max_epochs=3, runs=tmp_path / "runs", settings=settings)
    endings = list(result.trials.ending)
    assert result.status == "finished"
    assert set(endings) <= {"completed", "pruned", "doomed"}
    assert endings.count("completed") >= 2
    assert len(endings) - endings.count("completed") >= 6
    assert result.best is not None
    assert (tmp_path / "runs").exists()


def test_what_the_cluster_has_no_room_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"resources\.workers.*room for 4"):
        run(together, tmp_path, {"resources.workers": 5}, trials=2, max_epochs=2)
