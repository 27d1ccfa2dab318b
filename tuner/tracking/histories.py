"""Runs of an MLflow store as histories, whoever wrote them: `tuner diagnose mlflow:RUN_OR_EXPERIMENT`.

A metric's step is an epoch or a step of the training; `importers` settles which. Nothing is written, and no database is
made where there is none.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tuner.errors import Fault, InputError, RunError
from tuner.importers import StepLog, history_of
from tuner.importers.names import REAL, WHOLE, fact_name, logged_names
from tuner.records.history import History
from tuner.records.values import Scalar
from tuner.tracking.mlflow_store import MlflowClient, MlflowException
from tuner.tracking.uri import absolute_uri, mask, masked, sqlite_path

_PARENT = "mlflow.parentRunId"
_PAGE = 1000
_LARGEST = sys.float_info.max
"""Databases hold an infinity as this."""


def read(uri: str, name: str) -> list[History]:
    """Those of an experiment (name or id), or of one run (id or name) and the runs below it.

    Raises InputError where there is no such run, or none with a loss; RunError where MLflow cannot be reached.
    """
    path = sqlite_path(absolute_uri(uri))
    if path is not None and not path.is_file():
        raise InputError("no MLflow store to read", (Fault("--uri", str(path), "no such file: name the store's own"),))
    with speaking(uri):
        client = MlflowClient(absolute_uri(uri))
        runs, above = _runs(client, name)
        if not runs:
            raise InputError(f"mlflow:{name}", (Fault("RUN_OR_EXPERIMENT", name, _what_there_is(client)),))
        names = Counter(run.info.run_name for run in runs)
        logs = [_log(client, run, above, unique=names[run.info.run_name] == 1) for run in runs]
    known = [log for log in logs if log.curves]
    if not known:
        metrics = ", ".join(sorted({metric for run in runs for metric in run.data.metrics})[:8]) or "none at all"
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


def _runs(client: Any, name: str) -> tuple[list[Any], Mapping[str, str]]:
    """The runs of that name, and the parameters of the run above them."""
    if re.fullmatch(r"[0-9a-f]{32}", name):
        found = _try(lambda: client.get_run(name))
        if found is not None:
            return _family(client, found)
    experiment = client.get_experiment_by_name(name)
    if experiment is None and name.isdecimal() and name == str(int(name)):  # to MLflow, 0001 is 1; to us, a trial
        experiment = _try(lambda: client.get_experiment(name))
    if experiment is not None:
        return _search(client, [experiment.experiment_id], ""), {}
    quoted = f"'{name}'" if "'" not in name else f'"{name}"'
    everywhere = [each.experiment_id for each in client.search_experiments()]
    found_runs = _search(client, everywhere, f"attributes.run_name = {quoted}") if everywhere else []
    return _family(client, found_runs[0]) if len(found_runs) == 1 else (found_runs, {})


def find_runs(client: Any, name: str) -> tuple[list[Any], Mapping[str, str], Callable[[], str]]:
    """The runs of that name, the parameters of the run above them, and what to say where there are none."""
    runs, above = _runs(client, name)
    return runs, above, lambda: _what_there_is(client)


def _family(client: Any, run: Any) -> tuple[list[Any], Mapping[str, str]]:
    """A sweep's run stands for its trials."""
    below = _search(client, [run.info.experiment_id], f"tags.`{_PARENT}` = '{run.info.run_id}'")
    return ([*below], run.data.params) if below else ([run], {})


def _search(client: Any, experiments: list[str], wanted: str) -> list[Any]:
    found: list[Any] = []
    page: str | None = None
    while True:
        some = client.search_runs(
            experiments, wanted, max_results=_PAGE, page_token=page, order_by=["attributes.start_time ASC"]
        )
        found += some
        page = some.token
        if not page:
            return found


def _try(ask: Any) -> Any:
    """None for what is not there."""
    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            return None
        raise


def _log(client: Any, run: Any, above: Mapping[str, str], *, unique: bool) -> StepLog:
    run_id, name = run.info.run_id, run.info.run_name or ""
    log = StepLog(name if unique and name else f"{name} {run_id[:8]}".strip())
    for metric, curve in logged_names(sorted(run.data.metrics)).items():
        log.curves[curve] = points(client, run_id, metric)
    if not any(curve.startswith(("train_", "val_")) for curve in log.curves):
        return StepLog(log.id)
    if "epoch" in run.data.metrics:
        log.epochs = {step: value for step, value in points(client, run_id, "epoch").items() if 0 <= value < math.inf}
    for metric, value in run.data.metrics.items():
        if fact_name(metric) in REAL:
            log.facts[metric] = value
    config: dict[str, Scalar] = {}
    for parameter, text in {**_planned(above), **run.data.params}.items():
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


def points(client: Any, run_id: str, metric: str) -> dict[int, float]:
    """A step that was logged twice, by a run that was resumed, has its later value."""
    points = sorted(client.get_metric_history(run_id, metric), key=lambda point: point.timestamp)
    return {point.step: _value(point.value) for point in points}


def _value(stored: float) -> float:
    return math.copysign(math.inf, stored) if abs(stored) >= _LARGEST else float(stored)


def scalar(text: str) -> Scalar:
    """MLflow keeps parameters as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False, "None": None}.get(text, text)


def _what_there_is(client: Any) -> str:
    names = [experiment.name for experiment in client.search_experiments(max_results=20)]
    return f"no such run or experiment; experiments there are: {', '.join(names) or 'none'}"


@contextmanager
def speaking(uri: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # stores and drivers raise whatever they like
        text = mask(" ".join(str(error).split()), uri)[:500]
        raise RunError(f"{masked(uri)}: reading: {type(error).__name__}: {text}") from error
