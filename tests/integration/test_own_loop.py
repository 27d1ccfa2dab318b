"""A loop of one's own gets what the built-in one gets: search, stopping, diagnosis, MLflow, and nothing lost."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from drill_kit import check_everything, finish, kill_after_lines, mlflow_children, only_run, start

import tuner
from tuner.records.journal import read_journal
from tuner.records.trial import COMPLETED, DOOMED, PRUNED

DESCENT = '''
"""Gradient descent on w² / 2 from w = 1: it crawls where lr is small, and diverges above 2. Its checkpoint is w."""

def loop(trial):
    path = trial.restore()
    w, first = (1.0, 1) if path is None else (float(path.read_text().split()[0]), int(path.read_text().split()[1]) + 1)
    trial.tell(initial_loss=0.5, n_train=1, n_val=1, train_eval="after_epoch")
    for epoch in range(first, trial.max_epochs + 1):
        for _ in range(2000):
            w -= trial.config["lr"] * w
        (trial.scratch / "w").write_text(f"{w!r} {epoch}")
        trial.checkpoint(trial.scratch / "w")
        trial.report(epoch, train_loss=w * w / 2, val_loss=w * w / 2 + 1e-3)
'''
SWEEP = """
name: descent
loop: descent:loop
space: {lr: {float: [1.0e-6, 4], log: true, default: 3}}
search: {scheduler: SCHEDULER, trials: 20, max_epochs: 9}
"""


def written(folder: Path, scheduler: str) -> Path:
    (folder / "descent.py").write_text(DESCENT)
    (folder / "descent.yaml").write_text(SWEEP.replace("SCHEDULER", scheduler))
    return folder / "descent.yaml"


@pytest.mark.parametrize("scheduler", ["asha", "asha_promotion"])
def test_it_is_searched_stopped_and_diagnosed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = tuner.run(written(tmp_path, scheduler), address="none", runs=tmp_path / "runs", track=False)
    trials = result.record.trials
    assert len(trials) == 20
    assert {trial.ending for trial in trials} >= {COMPLETED, PRUNED, DOOMED}
    diverging = [trial for trial in trials if float(trial.config["lr"]) > 2.2]
    assert diverging
    assert {trial.verdict for trial in diverging} == {"diverged"}
    assert result.best is not None
    assert result.best.value == pytest.approx(1e-3, rel=0.1)
    assert all([row.epoch for row in trial.epochs] == list(range(1, len(trial.epochs) + 1)) for trial in trials)
    assert sum(trial.repeated for trial in trials) == 0, "one that waited at its rung goes on from its checkpoint"
    assert all(trial.facts is not None and trial.facts.initial_loss == 0.5 for trial in trials)


@pytest.mark.slow
def test_mlflow_has_its_curves(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    written(tmp_path, "asha")
    finish(start(tmp_path, "run", "descent.yaml", "--address", "none"), tmp_path)
    run = only_run(tmp_path)
    check_everything(tmp_path, run)
    _, children = mlflow_children(tmp_path, run)
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = {child.data.tags["mlflow.runName"]: child.info.run_id for child in children}
    for trial in run.record().trials:
        for name in ("train_loss", "val_loss"):
            told = {point.step: point.value for point in client.get_metric_history(runs[trial.trial], name)}
            wanted = {row.epoch: row.metrics[name] for row in trial.epochs}
            assert told.keys() == wanted.keys()
            for epoch, value in wanted.items():  # an infinity is NaN there, and a tag
                expected = value if math.isfinite(value) else math.nan
                assert told[epoch] == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("lines", [7, 13, 22])
def test_killed_with_its_driver_it_goes_on_as_if_nothing_had_been(tmp_path: Path, lines: int) -> None:
    """A real network, Adam, shuffled batches and a drawn code: the example's curves are equal bit for bit."""
    words = ("run", "examples.yaml", "--address", "none", "--trials", 5, "--set", "search.max_epochs=4")
    sweep = (Path(__file__).parents[2] / "examples/own_loop.yaml").read_text()
    for folder in (whole := tmp_path / "whole", broken := tmp_path / "broken"):
        folder.mkdir()
        (folder / "examples.yaml").write_text(sweep)
    finish(start(whole, *words), whole)
    process = start(broken, *words)
    assert kill_after_lines(process, broken, lines)
    finish(start(broken, "run", "--resume", only_run(broken).name, "--address", "none"), broken)

    def curves(folder: Path) -> list[object]:
        return [(t.trial, t.ending, [dict(e.metrics) for e in t.epochs]) for t in only_run(folder).record().trials]

    assert curves(whole) == curves(broken)
    repeated = [line for line in read_journal(only_run(broken).journal) if line["kind"] == "repeated"]
    assert repeated == [], "no epoch is trained twice"
