"""A journal as a sweep leaves it, made up in a second: for `tracking.py`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.records.epochs import EpochMetrics
from tuner.records.fold import report_line
from tuner.records.run_directory import RunDirectory

BEGAN = 1_795_000_000.0
SYMPTOMS = ("overfitting", "plateau", "unstable", "underfitting", "diverged")
REST = {"train_accuracy": 0.9, "val_accuracy": 0.8, "lr": 0.01, "grad_norm": 1.5}
"""With the two losses, what a task of the catalogue reports each epoch."""


def write_journal(runs: Path, trials: int, epochs: int) -> RunDirectory:
    """A finished sweep: a third of its trials completed, some failed, the rest pruned early; a third has a symptom."""
    run = RunDirectory(runs / f"made-up-{trials}")
    run.path.mkdir(parents=True)
    run.sweep.write_text("name: made-up\n", encoding="utf-8")
    run.environment.write_text('{"versions": {}}', encoding="utf-8")
    run.journal.write_text("".join(json.dumps(line) + "\n" for line in _lines(run.name, trials, epochs)), "utf-8")
    return run


def _lines(run: str, trials: int, epochs: int) -> Iterator[dict[str, Any]]:
    rng, at = random.Random(3), BEGAN
    head = {"version": 1, "run": run, "name": "made-up", "metric": "val_loss", "mode": "min", "max_epochs": epochs}
    names = [{"name": name, "kind": "float", "low": 0.0, "high": 1.0} for name in ("lr", "weight_decay", "dropout")]
    yield {"kind": "sweep", "at": at, **head, "trials": trials, "seed": 7, "task": "digits", "parameters": names}
    yield {"kind": "driver", "at": at, "attempt": 1, "pid": 1, "host": "here"}
    for number in range(trials):
        for line in _trial(number, epochs, rng):
            at += 1.0
            yield line | {"at": at}
    yield {"kind": "end", "at": at, "status": "finished", "reason": "", "seconds": {"total": at - BEGAN}}


def _trial(number: int, epochs: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    trial, kind = f"{number:04d}", rng.random()
    config = {name: rng.random() for name in ("lr", "weight_decay", "dropout")}
    yield {"kind": "suggestion", "trial": trial, "number": number, "config": config, "origin": "tpe", "seed": number}
    yield {"kind": "start", "trial": trial, "attempt": 1, "after_epoch": 0}
    ending, upto = ("completed", epochs) if kind < 0.33 else ("pruned", max(1, epochs // 3))
    if kind > 0.97:
        ending, upto = "failed", 1
    level = rng.random()
    for epoch in range(1, upto + 1):
        loss = level + 1.0 / epoch
        metrics = {"train_loss": loss, "val_loss": loss + 0.1 * rng.random(), **REST}
        line = report_line(EpochMetrics(epoch, metrics, 0.5), trial, 1, 0.0)
        facts = {"data_hash": "5f" * 16, "n_train": 1000, "n_parameters": 4810, "initial_loss": 2.3}
        yield line | ({"facts": facts, "node": "127.0.0.1"} if epoch == 1 else {})
    symptom = rng.choice(SYMPTOMS) if rng.random() < 0.33 else None
    says = f"made up for a measurement of trial {trial}"
    finding = {"symptom": symptom, "confidence": 0.5 + rng.random() / 2, "says": says, "remedies": []}
    found = {"id": trial, "verdict": symptom or "healthy", "findings": [finding] if symptom else []}
    reason = {"failed": "ValueError: no", "pruned": "3rd of 3"}.get(ending, "")
    yield {"kind": "ending", "trial": trial, "attempt": 1, "ending": ending, "reason": reason, "diagnosis": found}
