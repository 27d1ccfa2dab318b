"""Real sweeps on a real Ray of two CPUs: how trials end, and that none of it ends the sweep."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import tuner
from tuner.errors import InputError

SPACE = {"x": {"float": [0.0, 1.0]}}


def falling(trial: tuner.Trial) -> None:
    for epoch in range(1, trial.max_epochs + 1):
        trial.report(epoch, train_loss=1.0 / epoch, val_loss=1.0 / epoch + float(trial.config["x"]))


def troublesome(trial: tuner.Trial) -> None:
    """Trial 1 raises, 2 diverges, 3 kills its worker once, 4 returns early; the others are well."""
    marker = trial.restore()
    for epoch in range(1 if marker is None else 2, trial.max_epochs + 1):
        if trial.name == "0001" and epoch == 2:
            raise ValueError("planted")
        if trial.name == "0003" and epoch == 2 and marker is None:
            os._exit(1)
        if trial.name == "0004" and epoch == 3:
            return
        if trial.name == "0003":
            note = Path(trial.config["folder"]) / "marker"
            note.write_text("once")
            trial.checkpoint(note)
        loss = float("nan") if trial.name == "0002" and epoch == 2 else 1.0 / epoch
        trial.report(epoch, train_loss=loss, val_loss=loss)


def dies_once(trial: tuner.Trial) -> None:
    """Its worker is lost in the middle of epoch 3; the file of a checkpoint that was never reported lies there then."""
    path = trial.restore()
    first = 1 if path is None else int(path.read_text()) + 1
    for epoch in range(first, trial.max_epochs + 1):
        (trial.scratch / "state").write_text(str(epoch))
        trial.checkpoint(trial.scratch / "state")
        if epoch == 3 and path is None:
            os._exit(1)
        trial.report(epoch, train_loss=1 / epoch, val_loss=1 / epoch)


def hanging(trial: tuner.Trial) -> None:
    trial.report(1, train_loss=1.0, val_loss=1.0)
    if trial.name == "0000":
        time.sleep(600)


@pytest.fixture(autouse=True)
def _ray(local_ray: None) -> None:
    pass


def run(function, tmp_path: Path, **more) -> tuner.Result:
    return tuner.run(function, space=more.pop("space", SPACE), runs=tmp_path / "runs", track=False, **more)


def test_a_function_is_tuned(tmp_path: Path) -> None:
    result = run(falling, tmp_path, trials=12, max_epochs=9)
    assert result.status == "finished"
    assert len(result.trials) == 12
    assert set(result.trials.ending) <= {"completed", "pruned"}
    assert result.best is not None
    assert result.best.value == result.trials.value.min()
    assert not result.curves.duplicated(["trial", "epoch"]).any()


def test_a_lost_worker_costs_a_loop_with_checkpoints_no_epoch(tmp_path: Path) -> None:
    result = run(dies_once, tmp_path, trials=2, max_epochs=5, settings={"search.scheduler": "none"})
    for trial in result.record.trials:
        assert (trial.ending, trial.attempt) == ("completed", 2), trial.reason
        assert [row.epoch for row in trial.epochs] == [1, 2, 3, 4, 5]
        assert trial.repeated == 0


def test_trouble_in_trials_does_not_end_the_sweep(tmp_path: Path) -> None:
    settings = {"search.scheduler": "none", "fixed": {"folder": str(tmp_path)}}
    result = run(troublesome, tmp_path, trials=6, max_epochs=4, settings=settings)
    ends = dict(zip(result.trials.trial, result.trials.ending, strict=True))
    assert ends == {
        "0000": "completed",
        "0001": "failed",
        "0002": "doomed",
        "0003": "completed",
        "0004": "completed",
        "0005": "completed",
    }
    trials = {trial.trial: trial for trial in result.record.trials}
    assert "planted" in trials["0001"].reason
    assert "planted" in trials["0001"].traceback
    assert trials["0002"].verdict == "diverged"
    assert trials["0003"].attempt == 2
    assert len(trials["0003"].epochs) == 4
    assert len(trials["0004"].epochs) == 2


def test_a_silent_trial_is_ended_with_that_reason(tmp_path: Path) -> None:
    settings = {"retries.silent_minutes": 0.05, "search.scheduler": "none"}
    result = run(hanging, tmp_path, trials=3, max_epochs=1 + 1, settings=settings)
    ends = dict(zip(result.trials.trial, result.trials.ending, strict=True))
    assert ends == {"0000": "failed", "0001": "completed", "0002": "completed"}
    assert "silent" in result.record.trials[0].reason


def test_what_no_node_can_give_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"resources\.gpu") as raised:
        run(falling, tmp_path, trials=2, max_epochs=2, settings={"resources.gpu": 1})
    assert raised.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


def test_the_shipped_digits_sweep_runs(tmp_path: Path) -> None:
    result = tuner.run("digits_mlp", trials=4, max_epochs=3, runs=tmp_path / "runs", settings={"tracking.uri": "none"})
    assert result.status == "finished"
    assert result.best is not None
    assert {"train_loss", "val_loss", "val_accuracy"} <= set(result.curves.columns)
    assert result.record.trials[0].facts is not None
    assert result.record.trials[0].facts.baseline_loss == pytest.approx(2.30, abs=0.01)
