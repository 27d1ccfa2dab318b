"""The runs of an MLflow store as families: trials, and the sweeps above them, whoever wrote them. Nothing is written,
and no database is made where there is none.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tuner.errors import Fault, InputError, RunError
from tuner.records.trial import COMPLETED, ENDINGS, FAILED, PRUNED
from tuner.records.values import Scalar
from tuner.tracking.mlflow_store import MlflowClient, MlflowException
from tuner.tracking.uri import absolute_uri, mask, masked, sqlite_path

_PARENT = "mlflow.parentRunId"
_STATUS = {"FINISHED": COMPLETED, "KILLED": PRUNED, "FAILED": FAILED}
"""What a run's status says of one that is not ours."""
_PAGE = 1000
_LARGEST = sys.float_info.max
"""Databases hold an infinity as this."""


@dataclass(frozen=True)
class Family:
    """MLflow's own runs, in the order in which they began."""

    client: Any
    runs: list[Any]
    """Those that were asked for."""
    sweeps: Mapping[str, Any]
    """Id -> run, of those above; in the order of the ids."""
    above: Mapping[str, str]
    """Parameters of the one run that was asked for, where the trials are those below it."""

    @property
    def trials(self) -> list[Any]:
        """Those with no run below them."""
        return [run for run in self.runs if run.info.run_id not in self.sweeps]

    def sweep_of(self, trial: Any) -> Any | None:
        """The run above it."""
        return self.sweeps.get(trial.data.tags.get(_PARENT, ""))


@contextmanager
def opened(uri: str, name: str, *, asked: str, address: str, cure: str) -> Iterator[Family]:
    """The runs of an experiment (name or id), or of one run (id or name) and those below it.

    Raises InputError where there is no such store or run, which names `asked` (a run that is not there), or `address`
    and its `cure` (a store that is not there); RunError where MLflow cannot be reached, also while it is used.
    """
    path = sqlite_path(absolute_uri(uri))
    if path is not None and not path.is_file():
        raise InputError(f"mlflow:{name}", (Fault(address, str(path), f"no such MLflow store: {cure}"),))
    with _speaking(uri):
        client = MlflowClient(absolute_uri(uri))
        runs, above = _runs(client, name)
        if not runs:
            raise InputError(f"mlflow:{name}", (Fault(asked, f"mlflow:{name}", _what_there_is(client)),))
        by_id = {run.info.run_id: run for run in runs}
        parents = sorted({run.data.tags[_PARENT] for run in runs if _PARENT in run.data.tags})
        sweeps = {one: by_id[one] if one in by_id else client.get_run(one) for one in parents}
        yield Family(client, runs, sweeps, above)


def ending_of(run: Any) -> str | None:
    """As the tuner's tag says, or as the status does; None for one that runs."""
    told = run.data.tags.get("tuner.ending", _STATUS.get(run.info.status))
    return told if told in ENDINGS else None


def digest_of(run: Any) -> str | None:
    """Of its training data, as MLflow keeps it: the first 36 characters."""
    inputs = run.inputs.dataset_inputs if run is not None and run.inputs is not None else []
    return str(inputs[0].dataset.digest) if inputs else None


def points(client: Any, run_id: str, metric: str) -> dict[int, float]:
    """A step that was logged twice, by a run that was resumed, has its later value."""
    points = sorted(client.get_metric_history(run_id, metric), key=lambda point: point.timestamp)
    return {point.step: _value(point.value) for point in points}


def scalar(text: str) -> Scalar:
    """MLflow keeps parameters as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False, "None": None}.get(text, text)


def _value(stored: float) -> float:
    return math.copysign(math.inf, stored) if abs(stored) >= _LARGEST else float(stored)


def _runs(client: Any, name: str) -> tuple[list[Any], Mapping[str, str]]:
    """The runs of that name, and the parameters of the run above them."""
    if re.fullmatch(r"[0-9a-f]{32}", name):
        found = _try(lambda: client.get_run(name))
        if found is not None:
            return _below(client, found)
    experiment = client.get_experiment_by_name(name)
    if experiment is None and name.isdecimal() and name == str(int(name)):  # to MLflow, 0001 is 1; to us, a trial
        experiment = _try(lambda: client.get_experiment(name))
    if experiment is not None:
        return _search(client, [experiment.experiment_id], ""), {}
    quoted = f"'{name}'" if "'" not in name else f'"{name}"'
    everywhere = [each.experiment_id for each in client.search_experiments()]
    found_runs = _search(client, everywhere, f"attributes.run_name = {quoted}") if everywhere else []
    return _below(client, found_runs[0]) if len(found_runs) == 1 else (found_runs, {})


def _below(client: Any, run: Any) -> tuple[list[Any], Mapping[str, str]]:
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


def _what_there_is(client: Any) -> str:
    names = [experiment.name for experiment in client.search_experiments(max_results=20)]
    return f"no such run or experiment; experiments there are: {', '.join(names) or 'none'}"


@contextmanager
def _speaking(uri: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # stores and drivers raise whatever they like
        text = mask(" ".join(str(error).split()), uri)[:500]
        raise RunError(f"{masked(uri)}: reading: {type(error).__name__}: {text}") from error
