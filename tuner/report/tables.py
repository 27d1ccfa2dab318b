"""trials.parquet, curves.parquet and findings.jsonl: a sweep as tables, for pandas, DuckDB and their kind.

pyarrow is imported when a table is made: a report without tables does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tuner.records.finding import UNKNOWN, Finding
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.records.trial import SweepRecord
from tuner.records.values import Scalar
from tuner.report.wording import scalar

if TYPE_CHECKING:
    import pyarrow as pa

LOSSES = ("train_loss", "val_loss")
"""The curves that every table has, measured or not."""


def write_tables(record: SweepRecord, run_dir: RunDirectory) -> None:
    """Write the three files, each whole or not at all."""
    _write_parquet(trials_table(record), run_dir.trials)
    _write_parquet(curves_table(record), run_dir.curves)
    rows = "".join(json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n" for row in finding_rows(record))
    write_atomically(run_dir.findings, rows)


def trials_table(record: SweepRecord) -> pa.Table:
    """One row a trial: `trial, ending, reason, verdict, value, best_epoch, epochs, seconds, node` and `config.NAME`.

    A parameter that is not active in a trial is null there. A sweep with further seeds has a row for each training on
    one, after the trials, and two columns more: `repeat_of`, null for a trial of the search, and `seed`.
    """
    import pyarrow as pa

    trials = record.trainings
    columns: dict[str, pa.Array] = {
        "trial": pa.array([trial.trial for trial in trials], pa.string()),
        "ending": pa.array([trial.ending for trial in trials], pa.string()),
        "reason": pa.array([trial.reason for trial in trials], pa.string()),
        "verdict": pa.array([trial.verdict or UNKNOWN for trial in trials], pa.string()),
        "value": pa.array([trial.value for trial in trials], pa.float64()),
        "best_epoch": pa.array([trial.best_epoch for trial in trials], pa.int64()),
        "epochs": pa.array([len(trial.epochs) for trial in trials], pa.int64()),
        "seconds": pa.array([trial.seconds for trial in trials], pa.float64()),
        "node": pa.array([trial.node for trial in trials], pa.string()),
    }
    if record.repeats:
        columns["repeat_of"] = pa.array([trial.repeat_of for trial in trials], pa.string())
        columns["seed"] = pa.array([trial.seed for trial in trials], pa.int64())
    kinds = {parameter.name: parameter.kind for parameter in record.parameters}
    for name in parameter_names(record):
        values = [trial.config.get(name) for trial in trials]
        columns[f"config.{name}"] = _column(values, kinds.get(name, ""))
    return pa.table(columns)


def curves_table(record: SweepRecord) -> pa.Table:
    """One row a trial and distinct epoch: `trial, epoch, train_loss, val_loss`, then the other metrics, sorted.

    What was not measured is null; NaN and infinities are what the training produced.
    """
    import pyarrow as pa

    rows = [(trial.trial, epoch) for trial in record.trainings for epoch in trial.epochs if epoch.epoch >= 1]
    others = sorted({name for _, epoch in rows for name in epoch.metrics} - set(LOSSES))
    columns = {
        "trial": pa.array([trial for trial, _ in rows], pa.string()),
        "epoch": pa.array([epoch.epoch for _, epoch in rows], pa.int64()),
    }
    for name in (*LOSSES, *others):
        columns[name] = pa.array([epoch.metrics.get(name) for _, epoch in rows], pa.float64())
    return pa.table(columns)


def finding_rows(record: SweepRecord) -> Iterator[dict[str, Any]]:
    """The sweep's findings (`trial` null), then each trial's, what to do first in front."""
    for trial, findings in _findings(record):
        for finding in findings:
            yield {"trial": trial} | finding.to_json()


def parameter_names(record: SweepRecord) -> list[str]:
    """In the order of the sweep file; then what some trial has besides."""
    known = [parameter.name for parameter in record.parameters]
    return list(dict.fromkeys([*known, *(name for trial in record.trials for name in trial.config)]))


def _findings(record: SweepRecord) -> Iterator[tuple[str | None, Sequence[Finding]]]:
    yield None, record.findings
    for trial in record.trainings:
        if trial.diagnosis is not None:
            yield trial.trial, trial.diagnosis.findings


def _column(values: Sequence[Scalar], kind: str) -> pa.Array:
    """Of the narrowest type that holds them all; mixed ones become text, as a sweep file would write them."""
    import pyarrow as pa

    types = {type(value) for value in values if value is not None}
    if types and types <= {float, int} and (float in types or kind == "float"):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    for one, arrow in ((bool, pa.bool_()), (int, pa.int64()), (str, pa.string())):
        if types == {one}:
            return pa.array(values, arrow)
    if not types:
        return pa.array(values, {"float": pa.float64(), "int": pa.int64()}.get(kind, pa.string()))
    return pa.array([None if value is None else scalar(value) for value in values], pa.string())


def _write_parquet(table: pa.Table, path: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomically(path, sink.getvalue().to_pybytes())
