"""MLflow runs as trials of an earlier search, ours or anybody's: parameters, and a metric's history."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tuner.errors import Fault, InputError
from tuner.records.earlier import Earlier, EarlierTrial
from tuner.records.trial import COMPLETED, CONTROL, DOOMED, ENDINGS, FAILED, PRUNED
from tuner.tracking.histories import find_runs, points, scalar, speaking
from tuner.tracking.mlflow_store import MlflowClient
from tuner.tracking.uri import absolute_uri, sqlite_path

_STATUS = {"FINISHED": COMPLETED, "KILLED": PRUNED, "FAILED": FAILED}
_FIXED = "fixed."


def read(uri: str, name: str, metric: str) -> Earlier:
    """The runs of an experiment (name or id), or those below one run. Raises InputError where there are none."""
    path = sqlite_path(absolute_uri(uri))
    if path is not None and not path.is_file():
        cure = "no such MLflow store: `tracking: {uri: ...}` or MLFLOW_TRACKING_URI names another"
        raise InputError(f"mlflow:{name}", (Fault("search.warm_start", str(path), cure),))
    with speaking(uri):
        client = MlflowClient(absolute_uri(uri))
        runs, above, what_there_is = find_runs(client, name)
        if not runs:
            raise InputError(f"mlflow:{name}", (Fault("search.warm_start", f"mlflow:{name}", what_there_is()),))
        parents = {run.data.tags["mlflow.parentRunId"] for run in runs if "mlflow.parentRunId" in run.data.tags}
        sweeps = {run.info.run_id: run for run in runs if run.info.run_id in parents}
        for parent in parents - sweeps.keys():
            sweeps[parent] = client.get_run(parent)
        trials = [run for run in runs if run.info.run_id not in sweeps and _is_search(run.data.tags)]
        found = tuple(_trial(client, run, _parent(run, sweeps), above, metric) for run in trials)
    own = list(sweeps.values())
    horizons = {_whole(run.data.params.get("max_epochs")) for run in own or trials}
    commits = {_commit(run) for run in own or trials}
    modes = {run.data.params.get("mode") for run in own}
    return Earlier(
        f"mlflow:{name}",
        found,
        mode=modes.pop() if len(modes) == 1 else None,
        max_epochs=horizons.pop() if len(horizons) == 1 else None,
        commit=commits.pop() if len(commits) == 1 else None,
    )


def _trial(client: Any, run: Any, parent: Any, above: Mapping[str, str], metric: str) -> EarlierTrial:
    history = points(client, run.info.run_id, metric) if metric in run.data.metrics else {}
    first = 1 if min(history, default=1) == 0 and len(history) > 1 else 0
    whole = sorted((step + first, value) for step, value in history.items())
    shared = parent.data.params if parent is not None else above
    fixed = {key.removeprefix(_FIXED): text for key, text in shared.items() if key.startswith(_FIXED)}
    ending = run.data.tags.get("tuner.ending", _STATUS.get(run.info.status))
    broken = bool(whole) and not math.isfinite(whole[-1][1])
    alone = len(history) == 1 and 0 in history  # logged once, at the end
    return EarlierTrial(
        source=run.info.run_name or run.info.run_id[:8],
        settings={name: scalar(text) for name, text in {**fixed, **run.data.params}.items()},
        ending=ending if ending in ENDINGS else None,
        reports=() if alone else tuple(whole),
        value=whole[0][1] if alone and not broken else None,
        diverged=broken and ending in (DOOMED, PRUNED, COMPLETED),
        data_hash=_digest(parent) or _digest(run),
    )


def _is_search(tags: Mapping[str, str]) -> bool:
    """Neither a configuration trained again on a further seed nor a control: those are no trials of the search."""
    return "tuner.repeat_of" not in tags and tags.get("tuner.origin") != CONTROL


def _parent(run: Any, sweeps: Mapping[str, Any]) -> Any:
    return sweeps.get(run.data.tags.get("mlflow.parentRunId", ""))


def _digest(run: Any) -> str | None:
    """Of its training data, as MLflow keeps it: the first 36 characters."""
    inputs = run.inputs.dataset_inputs if run is not None and run.inputs is not None else []
    return str(inputs[0].dataset.digest) if inputs else None


def _commit(run: Any) -> str | None:
    clean = run.data.tags.get("tuner.git.dirty") != "true"
    commit = run.data.tags.get("mlflow.source.git.commit")
    return str(commit) if commit and clean else None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
