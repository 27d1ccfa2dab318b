"""summary.json: the keys that scripts rely on, and what each counts."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from tests.unit.report_records import SweepLines, falling, four_endings
from tuner.records.run_directory import RunDirectory
from tuner.report.summary import summary, write_summary

GOLDEN = Path(__file__).parents[1] / "golden" / "report" / "summary.json"
MLFLOW = {"tracking_uri": "sqlite:///mlflow.db", "experiment": "digits-mlp", "parent_run": "0a1b"}


def test_the_summary_of_a_finished_sweep_is_the_golden_one(tmp_path: Path) -> None:
    written = write_summary(four_endings().record(), RunDirectory(tmp_path), MLFLOW)
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    if os.environ.get("TUNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert json.loads(text) == written
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_keys_and_their_order_are_those_of_the_design() -> None:
    made = summary(four_endings().record())
    assert list(made) == [
        "sweep", "run", "path", "status", "metric", "mode", "best", "trials", "verdicts", "epochs", "seconds", "mlflow",
    ]  # fmt: skip
    assert list(made["best"]) == ["trial", "config", "epoch", "value", "metrics", "verdict"]
    assert list(made["trials"]) == ["total", "completed", "pruned", "doomed", "failed", "interrupted"]
    assert list(made["epochs"]) == ["trained", "repeated", "saved"]
    assert list(made["seconds"]) == ["total", "training", "orchestration", "tracking"]
    assert made["mlflow"] == {"tracking_uri": None, "experiment": None, "parent_run": None}


def test_saved_epochs_are_those_of_pruned_and_doomed_trials_alone() -> None:
    sweep = SweepLines(max_epochs=9)
    for number, (ending, epochs) in enumerate([("completed", 4), ("pruned", 3), ("doomed", 1), ("failed", 2)]):
        trial = sweep.suggest(number, {"lr": 0.1})
        sweep.losses(trial, falling(1, epochs), falling(1, epochs))
        sweep.end_trial(trial, ending, "", "unknown")
    assert summary(sweep.record())["epochs"] == {"trained": 10, "repeated": 0, "saved": (9 - 3) + (9 - 1)}


def test_a_repeated_epoch_counts_apart() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(trial, [1.0, 0.9], [1.0, 0.9])
    sweep.add("repeated", trial=trial, attempt=2, epoch=2, seconds=1.0)
    assert summary(sweep.record())["epochs"] == {"trained": 2, "repeated": 1, "saved": 0}


def test_verdicts_add_up_to_the_trials_and_running_ones_are_unknown() -> None:
    sweep = four_endings()
    sweep.suggest(4, {"lr": 0.1})
    made = summary(sweep.record())
    assert sum(made["verdicts"].values()) == made["trials"]["total"] == 5
    assert made["verdicts"]["unknown"] == 2


def test_a_sweep_without_a_finite_value_has_no_best_and_stays_strict_json() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(trial, [math.nan], [math.inf])
    made = summary(sweep.record())
    assert made["best"] is None
    assert made["status"] == "running"
    json.dumps(made, allow_nan=False)


def test_metrics_at_the_best_epoch_may_be_infinite() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.report(trial, 1, {"val_loss": 0.5, "grad_norm": math.inf})
    assert summary(sweep.record())["best"]["metrics"] == {"val_loss": 0.5, "grad_norm": "Infinity"}
