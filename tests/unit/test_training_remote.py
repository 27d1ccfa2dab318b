"""Checkpoints on storage: a trial goes on in a worker that shares nothing with its first one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from training_kit import assignment, digits, failure, make_plan, metrics, report, run

from tuner.records.epochs import STORAGE
from tuner.records.storage import Storage, StorageError
from tuner.training import remote_folder
from tuner.training.plan import TrainingPlan
from tuner.training.trial import Trial
from tuner.training.worker import TrialWorker


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    remote_folder._place.cache_clear()
    remote_folder._storage.cache_clear()


def test_a_trial_goes_on_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run(make_plan(tmp_path / "plain"))
    uri = f"file://{tmp_path}/there/r"
    plan = make_plan(tmp_path / "never", remote=uri)
    first = TrialWorker(plan, digits())
    first.open(assignment(plan))
    begun = [report(first), report(first)]  # and then it is lost
    assert set(Storage(uri).list()) == {"checkpoints/0003/last.pt", "checkpoints/0003/best.safetensors"}
    another_process(monkeypatch)
    second = TrialWorker(plan, digits())
    second.open(assignment(plan, attempt=2, after_epoch=2))
    assert metrics([*begun, report(second), report(second)]) == metrics(plain)
    folder = Path(second.plan.checkpoints_dir) / "0003"
    assert folder.is_dir()
    second.close()
    assert not folder.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "there"}


def test_a_checkpoint_that_was_cut_off_begins_the_trial_again(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    uri = f"file://{tmp_path}/there/r"
    plan = make_plan(tmp_path / "never", remote=uri)
    begun = run(plan, epochs=2)
    whole = Storage(uri).get("checkpoints/0003/last.pt")
    assert whole is not None
    Storage(uri).put("checkpoints/0003/last.pt", whole[: len(whole) // 2])
    again = run(plan, epochs=2, attempt=2, after_epoch=2)
    assert metrics(again) == metrics(begun)
    assert "cannot be read" in capsys.readouterr().out


def test_a_storage_that_stays_away_fails_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(tmp_path / "never", remote=f"file://{tmp_path}/there/r")
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    report(worker)

    def away(*given: object) -> None:
        raise StorageError("the storage is away")

    monkeypatch.setattr(Storage, "put", away)
    assert (failure(worker).kind, failure(worker).message) == (STORAGE, "the storage is away")


def counting(trial: Trial) -> None:
    """Keeps a folder; epoch 2 is its best one."""
    there = trial.restore()
    done = 0 if there is None else int((there / "epoch").read_text())
    assert there is None or (there / "inner" / "more").is_file()
    for epoch in range(done + 1, trial.max_epochs + 1):
        state = trial.scratch / f"state{epoch}"
        (state / "inner").mkdir(parents=True)
        (state / "epoch").write_text(str(epoch))
        (state / "inner" / "more").write_text("m" * epoch)
        if epoch == 1:
            (state / "only at first").write_text("")
        trial.checkpoint(state)
        trial.report(epoch, val_loss=abs(epoch - 2.0))


def test_a_loop_goes_on_elsewhere_with_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"file://{tmp_path}/there/r"
    plan = TrainingPlan(None, str(tmp_path / "never"), loop=counting, max_epochs=4, remote=uri)
    first = TrialWorker(plan)
    first.open(assignment(plan))
    told = [report(first) for _ in range(3)]
    assert [one.epoch.epoch for one in told] == [1, 2, 3]
    there = Storage(uri)
    tops = {name.split("/")[2] for name in there.list()}
    assert tops == {"notes.json", "best", "last-a"}, tops
    assert there.get("checkpoints/0003/best/epoch") == b"2"
    assert "checkpoints/0003/last-a/only at first" not in there.list()
    another_process(monkeypatch)
    second = TrialWorker(replace(plan, loop=counting))
    second.open(assignment(plan, attempt=2, after_epoch=2))
    assert [report(second).epoch.epoch for _ in range(2)] == [3, 4]
    assert there.get("checkpoints/0003/best/epoch") == b"2"
    second.close()
    first.close()
