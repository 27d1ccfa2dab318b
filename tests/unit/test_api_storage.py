"""A sweep on storage, driven in this process: what is kept there, and that any beginning of it resumes exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tuner
from tuner.errors import InputError
from tuner.records.journal import read_journal
from tuner.records.lease import LeaseLost
from tuner.records.segments import read
from tuner.records.storage import Storage, child

SPACE = {"x": {"float": [0.0, 1.0]}, "y": {"float": [1e-4, 1.0], "log": True}}
TIMES = ("at", "seconds", "epoch_seconds", "data_seconds", "pid", "host", "training", "orchestration")


def falling(trial: tuner.Trial) -> None:
    path = trial.restore()
    first = 1 if path is None else int(path.read_text()) + 1
    for epoch in range(first, trial.max_epochs + 1):
        (trial.scratch / "state").write_text(str(epoch))
        trial.checkpoint(trial.scratch / "state")
        trial.report(epoch, val_loss=1.0 / epoch + float(trial.config["x"]), train_loss=1.0 / epoch)


def run(folder: Path, uri: str | None, **more: Any) -> tuner.Result:
    settings = {"storage": uri} if uri else {}
    given: dict[str, Any] = {"space": SPACE, "trials": 9, "max_epochs": 9, "settings": settings} | more
    folder.mkdir(exist_ok=True)
    return tuner.run(falling, runs=folder / "runs", track=False, address="none", **given)


def decisions(lines: list[Mapping[str, Any]]) -> list[Any]:
    """What was decided of each trial, in order, without times and without what a stop leaves."""
    kinds = ("suggestion", "rung", "promotion", "ending")
    kept = [{key: value for key, value in line.items() if key not in TIMES} for line in lines if line["kind"] in kinds]
    return [line for line in kept if line.get("ending") != "interrupted"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[Any]]:
    folder = tmp_path_factory.mktemp("unbroken")
    uri = f"file://{folder}/there"
    result = run(folder, uri)
    return folder, child(uri, result.directory.name), read_journal(result.directory.journal)


def test_all_of_a_run_is_there(unbroken: tuple[Path, str, list[Any]]) -> None:
    folder, uri, lines = unbroken
    storage = Storage(uri)
    assert [json.loads(row) for row in read(storage).splitlines()] == lines
    names = set(storage.list())
    assert {"sweep.yaml", "environment.json", "summary.json", "report.html", "logs/driver.log"} <= names
    assert len([name for name in names if name.startswith("journal/")]) == 1
    plain = run(folder, None).directory.checkpoints
    same = {f"checkpoints/{path.relative_to(plain).as_posix()}" for path in plain.rglob("*") if path.is_file()}
    assert same
    assert {name for name in names if name.startswith("checkpoints/")} == same
    fetched = tuner.open_run(uri, runs=folder / "fetched").directory
    assert {path.parent.name for path in fetched.checkpoints.rglob("best*")} == {
        name.split("/")[1] for name in same if "best" in name
    }


@pytest.mark.parametrize("part", [0.02, 0.3, 0.55, 0.8, 0.97])
def test_any_beginning_resumes_to_the_same_decisions(
    unbroken: tuple[Path, str, list[Any]], tmp_path: Path, part: float
) -> None:
    """What a killed driver left: a piece that was cut off in the middle of a line, and no checkpoint at all."""
    folder, uri, lines = unbroken
    name = uri.rpartition("/")[2]
    there = tmp_path / "there" / name
    shutil.copytree(folder / "there" / name, there)
    shutil.rmtree(there / "checkpoints")
    (piece,) = (there / "journal").iterdir()
    whole = piece.read_bytes()
    head = whole.index(b'"kind":"driver"') + 200
    piece.write_bytes(whole[: max(head, int(part * len(whole)))])
    sweep = there / "sweep.yaml"
    sweep.write_text(sweep.read_text().replace(str(folder), str(tmp_path)))
    result = tuner.run(resume=f"file://{there}", runs=tmp_path / "elsewhere", track=False, address="none")
    assert result.status == "finished"
    assert decisions(read_journal(tmp_path / "elsewhere" / name / "journal.jsonl")) == decisions(lines)
    assert json.loads(read(Storage(f"file://{there}")).splitlines()[-1])["kind"] == "end"


def test_a_driver_whose_run_was_taken_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = LeaseLost("the driver with pid 1 on elsewhere took this run over")
    monkeypatch.setattr("tuner.records.mirror.Mirror.check", lambda mirror: (_ for _ in ()).throw(taken))
    with pytest.raises(LeaseLost, match="took this run over"):
        run(tmp_path, f"file://{tmp_path}/there")


def test_a_folder_in_the_sweep_file_holds_its_runs(tmp_path: Path) -> None:
    settings = {"storage": str(tmp_path / "mounted")}
    result = tuner.run(falling, space=SPACE, trials=1, max_epochs=1, settings=settings, track=False, address="none")
    assert Path(result.directory.path).parent == tmp_path / "mounted"


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a folder of this machine") as refused:
        tuner.run(falling, space=SPACE, runs="s3://bucket/runs", track=False, address="none")
    assert refused.value.exit_code == 2
    with pytest.raises(InputError, match="holds a key or a password") as secret:
        run(tmp_path, "s3://key:hidden@bucket/runs")
    assert "hidden" not in str(secret.value)
    with pytest.raises(InputError, match="neither pyarrow nor fsspec"):
        run(tmp_path, "nonsense://bucket/runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_cannot_move(unbroken: tuple[Path, str, list[Any]], tmp_path: Path) -> None:
    _, uri, _ = unbroken
    with pytest.raises(InputError, match="leave it as it is"):
        tuner.run(
            resume=uri, runs=tmp_path, track=False, address="none", trials=12, settings={"storage": "s3://other/runs"}
        )
