"""`tuner generate`: text from a run's trained network, without its data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tuner
from tuner.api.export import export_run
from tuner.api.generate import generate
from tuner.cli import app
from tuner.errors import InputError

TEXT = """
name: song
task: text
model: rnn
metric: {name: val_bits, mode: min}
space: {lr: {choice: [0.01, 0.03]}}
fixed: {steps: 18, cell: gru, width: 16, batch_size: 8}
checkpoints: {keep: 1}
search: {algorithm: grid, scheduler: none, max_epochs: 3}
"""
DIGITS = """
{name: digits, task: digits, model: softmax, space: {lr: 0.01}, data: {limit: 60}, search: {trials: 1, max_epochs: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `runs` in it: one of text, whose data is gone, and one of digits."""
    folder = tmp_path_factory.mktemp("generate")
    (folder / "data").mkdir()
    (folder / "data" / "song.txt").write_text("abc abcc\n" * 120)
    (folder / "song.yaml").write_text(TEXT + f"data: {{dir: {folder / 'data'}}}\n")
    (folder / "digits.yaml").write_text(DIGITS)
    for name in ("song", "digits"):
        tuner.run(folder / f"{name}.yaml", address="none", track=False, runs=folder / "runs")
    shutil.rmtree(folder / "data")
    return folder


def test_the_command_writes_the_prompt_and_what_follows(folder: Path) -> None:
    given = ["generate", "song", "--runs", str(folder / "runs"), "--prompt", "abc a", "--length", "40"]
    plain = CliRunner().invoke(app(), given)
    assert plain.exit_code == 0, plain.output
    assert plain.stdout.startswith("abc a")
    assert len(plain.stdout) == 5 + 40 + 1
    told = json.loads(CliRunner().invoke(app(), [*given, "--json", "--seed", "3"]).stdout)
    assert (told["prompt"], told["seed"], told["metric"], len(told["text"])) == ("abc a", 3, "val_bits", 40)
    assert told["run"].startswith("song-")


def test_an_export_writes_the_same_as_its_run(folder: Path, tmp_path: Path) -> None:
    export_run("song", runs=folder / "runs", out=tmp_path / "taken")
    text = [generate(run, runs=folder / "runs", length=60).text for run in ("song", tmp_path / "taken")]
    assert text[0] == text[1]


def test_what_cannot_be_written_says_why(folder: Path) -> None:
    runs = folder / "runs"
    with pytest.raises(InputError, match="the task digits learns classes"):
        generate("digits", runs=runs)
    with pytest.raises(InputError, match=r"no 'Q', 'ü'"):
        generate("song", runs=runs, prompt="Qü")
    with pytest.raises(InputError) as caught:
        generate("song", runs=runs, length=0, temperature=float("nan"), seed=-1)
    assert [fault.where for fault in caught.value.faults] == ["--length", "--temperature", "--seed"]
    given = [trial.trial for trial in tuner.open_run("song", runs=runs).record.trials]
    gone = [trial for trial in given if not list(runs.glob(f"song-*/checkpoints/{trial}/best*"))]
    assert len(gone) == 1  # `keep: 1` of two
    with pytest.raises(InputError, match="weights were kept of"):
        generate("song", runs=runs, trial=gone[0])
