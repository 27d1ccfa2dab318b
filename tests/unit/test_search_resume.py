"""Exact resume: each searcher and each scheduler, killed at twenty points, decides as if it had not been."""

from __future__ import annotations

import random

import pytest
from control_kit import DriverKilled, Sweep

from tuner.control.rules import Rules
from tuner.records.trial import COMPLETED, DOOMED, PRUNED

RULES = Rules(metric="val_loss", mode="min", max_epochs=9, trials=24, seed=3)
PAIRS = [
    *(("random", scheduler) for scheduler in ("asha", "hyperband", "median", "none")),
    *((algorithm, "asha") for algorithm in ("tpe", "halton", "grid", "cmaes")),
]


def decisions(sweep: Sweep) -> list[tuple[object, ...]]:
    """Suggestions, rungs and endings in their order, without times and attempts."""
    keys = {
        "suggestion": ("trial", "config"),
        "rung": ("trial", "epoch", "promoted", "reason"),
        "ending": ("trial", "ending", "value", "reason"),
    }
    return [
        (line["kind"], *(repr(line[key]) for key in keys[line["kind"]])) for line in sweep.lines if line["kind"] in keys
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "scheduler"), PAIRS)
def test_a_killed_sweep_decides_as_an_uninterrupted_one(algorithm: str, scheduler: str) -> None:
    whole = Sweep(RULES, algorithm=algorithm, scheduler=scheduler)
    record = whole.run()
    assert {COMPLETED, DOOMED if scheduler == "none" else PRUNED} <= {trial.ending for trial in record.trials}
    for crash in random.Random(0).sample(range(2, len(whole.lines)), 20):
        sweep = Sweep(RULES, algorithm=algorithm, scheduler=scheduler)
        sweep.crash_after = crash
        with pytest.raises(DriverKilled):
            sweep.run()
        sweep.resume()
        sweep.run()
        assert decisions(sweep) == decisions(whole), f"killed after line {crash}"
