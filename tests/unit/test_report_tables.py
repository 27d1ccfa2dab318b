"""The tables of a run directory: their columns, types and gaps."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow.parquet as pq

from tests.unit.report_records import SweepLines, four_endings
from tuner.records.run_directory import RunDirectory
from tuner.report.tables import curves_table, finding_rows, trials_table, write_tables

FIRST = ["trial", "ending", "reason", "verdict", "value", "best_epoch", "epochs", "seconds", "node"]


def test_the_three_files_hold_what_the_record_holds(tmp_path: Path) -> None:
    record = four_endings().record()
    directory = RunDirectory(tmp_path)
    write_tables(record, directory)
    trials, curves = pq.read_table(directory.trials), pq.read_table(directory.curves)
    assert trials.column_names == [
        *FIRST, "config.lr", "config.batch_size", "config.optimizer", "config.optimizer.sgd.momentum",
    ]  # fmt: skip
    assert trials["trial"].to_pylist() == ["0000", "0001", "0002", "0003"]
    assert trials["epochs"].to_pylist() == [9, 6, 2, 0]
    assert curves.column_names == ["trial", "epoch", "train_loss", "val_loss", "val_accuracy"]
    assert curves.num_rows == sum(len(trial.epochs) for trial in record.trials) == 17
    rows = [json.loads(line) for line in directory.findings.read_text(encoding="utf-8").splitlines()]
    assert [row["trial"] for row in rows] == [None, "0001", "0002"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.parquet", "findings.jsonl", "trials.parquet"]


def test_types_follow_the_space_and_an_inactive_parameter_is_null() -> None:
    table = trials_table(four_endings().record())
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["config.lr"] == types["value"] == types["config.optimizer.sgd.momentum"] == "double"
    assert types["config.batch_size"] == types["best_epoch"] == "int64"
    assert types["config.optimizer"] == "string"
    assert table["config.optimizer.sgd.momentum"].to_pylist() == [0.9, None, None, None]


def test_a_float_parameter_stays_a_float_where_a_whole_number_was_given() -> None:
    sweep = SweepLines()
    sweep.suggest(0, {"lr": 1})
    assert trials_table(sweep.record())["config.lr"].to_pylist() == [1.0]


def test_a_choice_of_mixed_kinds_becomes_text() -> None:
    sweep = SweepLines(parameters=[{"name": "clip", "kind": "choice", "options": [True, "norm", 1.5, None]}])
    for number, clip in enumerate([True, "norm", 1.5, None]):
        sweep.suggest(number, {"clip": clip})
    assert trials_table(sweep.record())["config.clip"].to_pylist() == ["true", "norm", "1.5", None]


def test_not_measured_is_null_and_not_finite_is_kept() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.report(trial, 1, {"train_loss": math.nan, "val_accuracy": 0.5})
    sweep.report(trial, 2, {"train_loss": math.inf, "auc": 0.1})
    table = curves_table(sweep.record())
    assert table.column_names == ["trial", "epoch", "train_loss", "val_loss", "auc", "val_accuracy"]
    first, second = table["train_loss"].to_pylist()
    assert math.isnan(first)
    assert second == math.inf
    assert table["val_loss"].to_pylist() == [None, None]
    assert table["auc"].to_pylist() == [None, 0.1]


def test_a_sweep_without_trials_has_its_columns() -> None:
    record = SweepLines().record()
    assert trials_table(record).column_names[: len(FIRST)] == FIRST
    assert trials_table(record).num_rows == curves_table(record).num_rows == 0
    assert list(finding_rows(record)) == []


def test_a_finding_row_has_the_finding_whole() -> None:
    row = list(finding_rows(four_endings().record()))[1]
    assert set(row) == {"trial", "symptom", "confidence", "since_epoch", "evidence", "says", "remedies"}
    assert row["remedies"][0] == {
        "change": "dropout", "from": 0.1, "to": 0.3, "source": "T",
        "because": "less of the training set is learnt by heart",
    }  # fmt: skip
