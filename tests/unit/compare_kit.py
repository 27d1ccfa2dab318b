"""Runs to compare: directories with a sweep file, a journal and an environment, as a driver leaves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.report_records import SweepLines
from tuner.api.compare import compare
from tuner.api.compared import Where
from tuner.records.comparison import Comparison

SWEEP = """
name: digits-mlp
task: digits
model: mlp
space:
  lr: {float: [1e-5, 1], log: true}
  batch_size: {choice: [32, 64, 128]}
fixed: {width: 16}
search: {trials: 12, max_epochs: 9}
seed: 7
"""
LR: dict[str, Any] = {"name": "lr", "kind": "float", "low": 1e-5, "high": 1.0, "log": True}
BATCH: dict[str, Any] = {"name": "batch_size", "kind": "choice", "options": [32, 64, 128]}


def lines(
    run: str,
    *,
    floor: float = 0.2,
    seed: int = 0,
    trials: int = 12,
    seeds: Sequence[float] = (),
    overfitting: int = 0,
    metric: str = "val_loss",
    mode: str = "min",
    parameters: Sequence[Mapping[str, Any]] = (LR, BATCH),
    data: str = "d4f1",
    noise: float = 0.01,
    name: str = "digits-mlp",
) -> SweepLines:
    """`seeds`: the values of the best trial on further seeds, as a finalist. The first `overfitting` trials overfit."""
    rng = np.random.default_rng(seed)
    sweep = SweepLines(name=name, run=run, trials=trials, metric=metric, mode=mode, parameters=list(parameters))
    floors = floor + 0.05 * np.arange(trials)
    for number in range(trials):
        trial = sweep.suggest(number, {"lr": float(10 ** rng.uniform(-4, -1)), "batch_size": 64}, "random")
        curve = floors[number] + 2.0 * 0.4 ** np.arange(1, 10) + noise * rng.standard_normal(9)
        sweep.losses(trial, (0.9 * curve).tolist(), curve.tolist())
        best = int(curve.argmin())
        sweep.lines[-9] |= {"facts": {"data_hash": data, "n_val": 360}}
        sweep.end_trial(trial, "completed", "all 9 epochs", "overfitting" if number < overfitting else "healthy")
        value = float(curve[best]) if metric == "val_loss" else float(1 - curve[best])
        sweep.lines[-1] |= {"value": value, "best_epoch": best + 1}
    if seeds:
        sweep.add("finalists", trials=["0000"], seeds=len(seeds))
    for nth, value in enumerate(seeds, 2):
        again = f"0000-{nth}"
        config = {"lr": 0.01, "batch_size": 64}
        sweep.add("further_seed", trial=again, of="0000", nth=nth, number=0, config=config, origin="finalist", seed=nth)
        sweep.start(again)
        sweep.report(again, 1, {metric: value})
        sweep.end_trial(again, "completed", "all 9 epochs", "healthy")
        sweep.lines[-1] |= {"value": value, "best_epoch": 1}
    sweep.end()
    return sweep


def write(
    runs: Path,
    run: str,
    sweep: SweepLines | None = None,
    *,
    file: str = SWEEP,
    commit: str = "1a2b3c4d5e",
    packages: Mapping[str, str] | None = None,
) -> Path:
    folder = runs / run
    folder.mkdir(parents=True)
    sweep = sweep or lines(run)
    text = "".join(json.dumps(line) + "\n" for line in sweep.lines)
    (folder / "journal.jsonl").write_text(text, encoding="utf-8")
    (folder / "sweep.yaml").write_text(file, encoding="utf-8")
    environment = {
        "python": "3.11.9",
        "host": "here",
        "cpus": 2,
        "packages": packages or {"numpy": "2.0.0", "torch": "2.15.0"},
        "git": {"commit": commit, "dirty": False, "diff": ""},
    }
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    return folder


def compared(runs: Path, *words: str) -> Comparison:
    return compare(words, Where(runs, f"sqlite:///{runs.parent / 'mlflow.db'}"))
