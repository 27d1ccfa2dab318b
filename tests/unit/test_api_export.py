"""`tuner export` and `tuner.load`: the network of a trial, taken away and used without its data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

import tuner
from tuner.api.export import export_run
from tuner.api.sweeps import load_resolved
from tuner.cli import app
from tuner.records.run_directory import RunDirectory
from tuner.training import data
from tuner.training.data import load_splits, raw
from tuner.training.plan import TrainingPlan

SWEEP = """
name: export
task: digits
model: mlp
space: {width: {choice: [16, 24, 32]}, lr: {float: [1.0e-3, 1.0e-2], log: true}}
fixed: {depth: 1, normalisation: batch, dropout: 0.1}
data: {limit: 300}
checkpoints: {keep: 2}
search: {algorithm: random, scheduler: none, trials: 3, max_epochs: 3, doomed: false}
seed: 3
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuner.Result:
    folder = tmp_path_factory.mktemp("export")
    (folder / "export.yaml").write_text(SWEEP)
    return tuner.run(folder / "export.yaml", address="none", track=False, runs=folder / "runs")


@pytest.fixture
def run(trained: tuner.Result, tmp_path: Path) -> RunDirectory:
    """A copy that a test may damage."""
    shutil.copytree(trained.directory.path, tmp_path / "runs" / trained.directory.name)
    return RunDirectory(tmp_path / "runs" / trained.directory.name)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the data set is told that there is none."""

    def gone(*given: Any) -> None:
        raise AssertionError("the data set was asked for")

    monkeypatch.setattr(data, "find_task", gone)


def validation(run: RunDirectory) -> tuple[Any, Any]:
    """As the task loads them, before anything is standardised."""
    splits = load_splits(TrainingPlan.from_sweep(load_resolved(run), run))
    return raw(splits.val_x, splits), splits.val_y


def test_the_best_network_gives_on_raw_inputs_what_its_trial_reported(run: RunDirectory) -> None:
    x, y = validation(run)
    loaded, best = tuner.load(run.path), run.record().best
    assert best is not None
    assert not loaded.model.training
    at_best = best.epochs[(best.best_epoch or 0) - 1].metrics
    probabilities = loaded.predict(x)
    assert probabilities.shape == (60, 10)
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(1) == y).mean() == pytest.approx(at_best["val_accuracy"])
    assert -np.log(probabilities[range(60), y]).mean() == pytest.approx(at_best["val_loss"], rel=1e-4)
    assert (loaded.config, loaded.record.trial, loaded.record.epoch) == (best.config, best.trial, best.best_epoch)
    assert loaded.record.value == best.value
    assert torch.is_tensor(loaded.model(torch.zeros(2, 1, 8, 8)))


def test_a_run_and_its_export_are_the_same_network_and_need_no_data(
    run: RunDirectory, tmp_path: Path, no_data: None
) -> None:
    x = np.random.default_rng(0).integers(0, 17, (300, 1, 8, 8))
    exported = export_run(run.path, runs=tmp_path, out=tmp_path / "mine")
    assert sorted(item.name for item in (tmp_path / "mine").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    shutil.move(tmp_path / "mine", tmp_path / "elsewhere")
    there, here = tuner.load(run.name, runs=tmp_path / "runs"), tuner.load(tmp_path / "elsewhere")
    shutil.rmtree(run.path)
    assert np.array_equal(there.predict(x), here.predict(x))
    assert there.record == here.record
    assert exported.trial == here.record.trial
    state = load_file(tmp_path / "elsewhere" / "model.safetensors")
    assert all(torch.equal(state[name], value) for name, value in here.model.state_dict().items())
    told = json.loads((tmp_path / "elsewhere" / "config.json").read_text())
    assert (told["model"], told["fixed"]["depth"], told["metric"]) == ("mlp", 1, "val_loss")
    assert told["config"] == dict(here.config)
    assert told["task"]["input_shape"] == [1, 8, 8]
    assert told["metrics"]["val_loss"] == told["value"]
    assert {"torch", "tuner"} <= told["versions"].keys()
    # What another tool has to do, by hand, with the numbers in the file.
    inputs = told["inputs"]
    standardised = (x.astype(np.float32) - np.float32(inputs["mean"])) / np.float32(inputs["deviation"])
    with torch.no_grad():
        outputs = here.model(torch.from_numpy(standardised)).softmax(1).numpy()
    assert outputs == pytest.approx(here.predict(x), abs=1e-6)


def test_any_trial_whose_weights_were_kept_can_be_had(run: RunDirectory, tmp_path: Path) -> None:
    record = run.record()
    kept = [one.trial for one in record.trials if (run.trial_checkpoints(one.trial) / "best.safetensors").is_file()]
    gone = next(one.trial for one in record.trials if one.trial not in kept)
    assert len(kept) == 2
    for trial in kept:
        assert tuner.load(run.path, trial).record.trial == trial
        assert export_run(run.path, runs=tmp_path, trial=trial, out=tmp_path / trial).trial == trial
    for trial, says in ((gone, "keep: N"), ("0099", f"kept of {', '.join(kept)}")):
        with pytest.raises(tuner.InputError, match=says):
            tuner.load(run.path, trial)
        with pytest.raises(tuner.InputError, match=says):
            export_run(run.path, runs=tmp_path, trial=trial, out=tmp_path / "none")
    shutil.rmtree(run.checkpoints)
    with pytest.raises(tuner.InputError, match="kept no weights"):
        tuner.load(run.path)
    with pytest.raises(tuner.InputError, match="leave `trial` out"):
        tuner.load(tmp_path / kept[0], kept[1])


def test_only_an_export_is_ever_overwritten_and_only_when_asked(run: RunDirectory, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    export_run(run.path, runs=tmp_path, out=folder)  # an empty one is as good as none
    before = (folder / "config.json").read_text()
    with pytest.raises(tuner.InputError, match="--force"):
        export_run(run.path, runs=tmp_path, out=folder)
    other = next(path.name for path in run.checkpoints.iterdir() if path.name != tuner.load(folder).record.trial)
    export_run(run.path, runs=tmp_path, out=folder, trial=other, force=True)
    assert (folder / "config.json").read_text() != before
    assert tuner.load(folder).record.trial == other
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(tuner.InputError, match="no export made"):
        export_run(run.path, runs=tmp_path, out=folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"
    with pytest.raises(tuner.InputError, match="no export made"):
        export_run(run.path, runs=tmp_path, out=folder / "notes.txt", force=True)
    assert {item.name for item in tmp_path.iterdir()} == {"out", "runs"}


def test_an_export_that_fails_leaves_nothing(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Any, target: Any) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        export_run(run.path, runs=tmp_path, out=tmp_path / "out")
    assert {item.name for item in tmp_path.iterdir()} == {"runs"}


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 8, 8), (2, 1, 9, 8), (0, 1, 8, 8), (2, 64)])
def test_inputs_of_another_shape_are_refused_with_the_right_one(trained: tuner.Result, shape: tuple[int, ...]) -> None:
    with pytest.raises(tuner.InputError, match=r"\[N, 1, 8, 8\]"):
        tuner.load(trained.directory.path).predict(np.zeros(shape))


def test_a_damaged_file_of_weights_is_said_with_its_name(run: RunDirectory) -> None:
    kept = run.best_checkpoint(run.record())
    assert kept is not None
    whole = kept[1].read_bytes()
    for broken in (whole[:-1], whole[:100], b"", b"no weights at all", whole + b"\0"):
        kept[1].write_bytes(broken)
        with pytest.raises(tuner.InputError, match=r"best\.safetensors"):
            tuner.load(run.path)
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(2)}, kept[1])  # a file of somebody else's
    with pytest.raises(tuner.InputError, match="no file of weights that a trial kept"):
        tuner.load(run.path)


NETS = """
from torch import nn

class Tied(nn.Module):
    def __init__(self, task, width):
        super().__init__()
        self.into, self.back = nn.Linear(64, width, bias=False), nn.Linear(width, 64, bias=False)
        self.back.weight = nn.Parameter(self.into.weight.detach().T.contiguous())
        self.again = self.back
        self.out = nn.Linear(64, task.num_classes)

    def forward(self, x):
        return self.out(self.again(self.into(x.flatten(1)).relu()))

build = Tied
"""


def test_a_network_of_ones_own_is_built_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets_of_the_export_test.py").write_text(NETS)
    sweep = SWEEP.replace("model: mlp", "model: nets_of_the_export_test:build").replace("lr: {f", "depth: {f")
    sweep = sweep.replace(sweep[sweep.index("space:") : sweep.index("data:")], "space: {width: {choice: [8, 9]}}\n")
    (tmp_path / "own.yaml").write_text(sweep)
    run = tuner.run("own.yaml", address="none", track=False).directory
    folder = export_run(run.path, runs=tmp_path, out=Path("mine")).folder
    x = np.ones((3, 1, 8, 8))
    assert np.array_equal(tuner.load(folder).predict(x), tuner.load(run.path).predict(x))
    assert "has to be importable" in (folder / "README.md").read_text()
    assert isinstance(tuner.load(folder).model, nn.Module)
    module = sys.modules["nets_of_the_export_test"]
    monkeypatch.setattr(module, "build", lambda task, width: nn.Linear(64, 10))
    with pytest.raises(tuner.InputError, match="has changed since"):
        tuner.load(folder)
    monkeypatch.delitem(sys.modules, "nets_of_the_export_test")
    (tmp_path / "nets_of_the_export_test.py").unlink()
    with pytest.raises(tuner.InputError, match="there is no module 'nets_of_the_export_test'"):
        tuner.load(folder)


# --- a loop of the user's own


def keeping(kind: str) -> Any:
    def loop(trial: tuner.Trial) -> None:
        for epoch in range(1, trial.max_epochs + 1):
            path = Path(os.environ["KEPT_BY_THE_LOOP"]) / ("mine.ckpt" if kind == "file" else "mine")
            if kind == "folder":
                path.mkdir(exist_ok=True)
                (path / "part").write_text(f"{trial.name} {epoch}")
            else:
                path.write_text(f"{trial.name} {epoch}")
            trial.checkpoint(path)
            trial.report(epoch, val_loss=abs(epoch - 2) + float(trial.config["lr"]))

    return loop


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_loop_kept_is_copied_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("KEPT_BY_THE_LOOP", str(tmp_path))
    space: Mapping[str, Any] = {"lr": {"choice": [0.1, 0.2]}}
    settings = {"search.scheduler": "none", "search.algorithm": "grid"}
    result = tuner.run(
        keeping(kind), space=space, max_epochs=3, settings=settings, address="none", track=False, runs=tmp_path / "runs"
    )
    assert result.best is not None
    exported = export_run(result.directory.path, runs=tmp_path, out=tmp_path / "out")
    assert (exported.value, exported.epoch) == (0.1, 2)
    copy = tmp_path / "out" / ("checkpoint.ckpt" if kind == "file" else "checkpoint/part")
    assert copy.read_text() == f"{result.best.trial} 2"
    told = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (told["config"], told["epoch"], told["metrics"]) == ({"lr": 0.1}, 2, {"val_loss": 0.1})
    assert "as the loop does" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(tuner.InputError, match=r"load .* as the loop does"):
        tuner.load(result.directory.path)


# --- the command


def test_the_command_says_where_it_is_and_how_to_load_it(run: RunDirectory, tmp_path: Path) -> None:
    given = ["export", run.name, "--runs", str(tmp_path / "runs"), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app(), given)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out")
    assert f"tuner.load('{tmp_path / 'out'}')" in done.stdout
    told = json.loads(CliRunner().invoke(app(), [*given, "--force", "--json"]).stdout)
    assert (told["folder"], told["trial"]) == (str(tmp_path / "out"), tuner.load(run.path).record.trial)


def test_the_command_imports_no_torch(run: RunDirectory, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tuner.api.export import export_run\n"
        f"export_run({str(run.path)!r}, runs=Path('.'), out=Path({str(tmp_path / 'out')!r}))\n"
        "print(sorted({'torch', 'ray', 'mlflow'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]
