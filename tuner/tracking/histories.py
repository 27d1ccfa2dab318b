"""Runs of an MLflow store as histories, whoever wrote them: `tuner diagnose mlflow:RUN_OR_EXPERIMENT`.

A metric's step is an epoch or a step of the training; `importers` settles which. Nothing is written, and no database is
made where there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tuner.errors import Fault, InputError
from tuner.importers import StepLog, history_of
from tuner.importers.names import REAL, WHOLE, fact_name, logged_names
from tuner.records.history import History
from tuner.records.values import Scalar
from tuner.tracking.families import Family, opened, points, scalar


def read(uri: str, name: str) -> list[History]:
    """Those of an experiment (name or id), or of one run (id or name) and the runs below it.

    Raises InputError where there is no such run, or none with a loss; RunError where MLflow cannot be reached.
    """
    asked = "RUN_OR_EXPERIMENT"
    with opened(uri, name, asked=asked, address="--uri", cure="name the store's own file") as family:
        names = Counter(run.info.run_name for run in family.runs)
        logs = [_log(family, run, unique=names[run.info.run_name] == 1) for run in family.runs]
    known = [log for log in logs if log.curves]
    if not known:
        there = sorted({metric for run in family.runs for metric in run.data.metrics})
        metrics = ", ".join(there[:8]) or "none at all"
        cure = "no metric that names a loss, such as train_loss, val_loss or eval_loss"
        raise InputError(f"mlflow:{name}", (Fault("metrics", metrics, cure),))
    histories, faults = [], []
    for log in known:
        history, own = history_of(log)
        histories += [history] if history else []
        faults += [Fault(f"{log.id}: {fault.where}", fault.found, fault.cure) for fault in own]
    if faults:
        raise InputError(f"mlflow:{name}", tuple(faults))
    return histories


def _log(family: Family, run: Any, *, unique: bool) -> StepLog:
    run_id, name = run.info.run_id, run.info.run_name or ""
    log = StepLog(name if unique and name else f"{name} {run_id[:8]}".strip())
    for metric, curve in logged_names(sorted(run.data.metrics)).items():
        log.curves[curve] = points(family.client, run_id, metric)
    if not any(curve.startswith(("train_", "val_")) for curve in log.curves):
        return StepLog(log.id)
    if "epoch" in run.data.metrics:
        log.epochs = {
            step: value for step, value in points(family.client, run_id, "epoch").items() if 0 <= value < math.inf
        }
    for metric, value in run.data.metrics.items():
        if fact_name(metric) in REAL:
            log.facts[metric] = value
    config: dict[str, Scalar] = {}
    for parameter, text in {**_planned(family.above), **run.data.params}.items():
        given = scalar(text)
        if fact_name(parameter) not in WHOLE:
            config[parameter] = given
        elif isinstance(given, int) and given >= 1:
            log.facts[parameter] = given
    log.facts["config"] = config
    return log


def _planned(above: Mapping[str, str]) -> dict[str, str]:
    """What a sweep says of all its trials."""
    return {name: text for name, text in above.items() if fact_name(name) in WHOLE}
