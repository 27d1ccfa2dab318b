"""The journal's first line: what a sweep is, for whoever reads the run later."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tuner.records.journal import VERSION
from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep


def first_line(sweep: Sweep, directory: RunDirectory, *, warm: int) -> dict[str, Any]:
    """`warm`: how many trials of earlier sweeps the searcher is told."""
    return {
        "kind": "sweep",
        "version": VERSION,
        "run": directory.name,
        "name": sweep.name,
        "metric": sweep.metric.name,
        "mode": sweep.metric.mode,
        "max_epochs": sweep.search.max_epochs,
        "trials": sweep.search.trials or 0,
        "seed": sweep.seed,
        "task": sweep.task,
        "parameters": [asdict(item) for item in sweep.space.records()],
        **({"warm": warm} if warm else {}),
        **({"repeats": sweep.search.repeats} if sweep.search.repeats > 1 else {}),
        **({} if sweep.search.finalists is None else {"finalists": sweep.search.finalists.model_dump()}),
    }
