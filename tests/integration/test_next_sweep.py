"""A sweep, the next one made of it, and the next one resumed: really trained, in one process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import tuner
from tuner.api.next import next_sweep
from tuner.errors import InputError
from tuner.records.journal import read_journal

SWEEP = """
name: small
task: digits
model: mlp
data: {limit: 300}
space:
  lr: {float: [1.0e-4, 1.0e-1], log: true}
  optimizer: {choice: [adamw, {sgd: {momentum: {float: [0, 0.9]}}}]}
search: {algorithm: {tpe: {startup: 4}}, trials: 12, max_epochs: 2, doomed: false}
"""


@pytest.mark.slow
def test_the_next_sweep_runs_as_it_is_and_resumes_without_the_old_one(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (tmp_path / "small.yaml").write_text(SWEEP)
    old = tuner.run(tmp_path / "small.yaml", address="none", track=False, runs=runs)
    file = tmp_path / "next.yaml"
    file.write_text(next_sweep(old.directory.name, runs).text)
    first = tuner.run(file, trials=3, address="none", track=False, runs=runs)
    lines = read_journal(first.directory.journal)
    kinds = [line["kind"] for line in lines]
    count = kinds.count("warm")
    assert kinds[: count + 3] == ["sweep", "warm_from", *["warm"] * count, "driver"]
    assert count == lines[0]["warm"] >= 10
    assert [trial.trial for trial in first.record.trials] == ["0000", "0001", "0002"]

    def cut(keep: int, name: str) -> Path:
        """The same run, its driver killed after so many lines."""
        other = runs / name
        shutil.copytree(first.directory.path, other)
        rows = first.directory.journal.read_text().splitlines(keepends=True)[:keep]
        (other / "journal.jsonl").write_text("".join(rows))
        return other

    def suggested(path: Path) -> list[object]:
        return [line["config"] for line in read_journal(path / "journal.jsonl") if line["kind"] == "suggestion"]

    half_told, begun = cut(4, "half-told"), cut(count + 4, "begun")
    result = tuner.run(resume=half_told, address="none", track=False, runs=runs)
    assert result.status == "finished"
    told = [line for line in read_journal(half_told / "journal.jsonl") if line["kind"] == "warm"]
    assert [json.dumps(line["config"]) for line in told] == [
        json.dumps(line["config"]) for line in lines if line["kind"] == "warm"
    ]
    assert suggested(half_told) == suggested(first.directory.path)

    shutil.rmtree(old.directory.path)
    tuner.run(resume=begun, address="none", track=False, runs=runs)
    assert suggested(begun) == suggested(first.directory.path)
    with pytest.raises(InputError, match="no such run"):
        tuner.run(file, trials=3, address="none", track=False, runs=runs)
    assert {path.name for path in runs.iterdir()} == {first.directory.name, "half-told", "begun"}
