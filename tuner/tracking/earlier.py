"""MLflow runs as trials of an earlier search, ours or anybody's: parameters, and a metric's history."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tuner.records.earlier import Earlier, EarlierTrial
from tuner.records.trial import COMPLETED, CONTROL, DOOMED, PRUNED
from tuner.tracking.families import Family, digest_of, ending_of, opened, points, scalar

_FIXED = "fixed."


def read(uri: str, name: str, metric: str) -> Earlier:
    """The runs of an experiment (name or id), or those below one run. Raises InputError where there are none."""
    cure = "`tracking: {uri: ...}` or MLFLOW_TRACKING_URI names another"
    place = "search.warm_start"
    with opened(uri, name, asked=place, address=place, cure=cure) as family:
        trials = [run for run in family.trials if _is_search(run.data.tags)]
        found = tuple(_trial(family, run, metric) for run in trials)
    own = list(family.sweeps.values())
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


def _trial(family: Family, run: Any, metric: str) -> EarlierTrial:
    parent, ending = family.sweep_of(run), ending_of(run)
    history = points(family.client, run.info.run_id, metric) if metric in run.data.metrics else {}
    first = 1 if min(history, default=1) == 0 and len(history) > 1 else 0
    whole = sorted((step + first, value) for step, value in history.items())
    shared = parent.data.params if parent is not None else family.above
    fixed = {key.removeprefix(_FIXED): text for key, text in shared.items() if key.startswith(_FIXED)}
    broken = bool(whole) and not math.isfinite(whole[-1][1])
    alone = len(history) == 1 and 0 in history  # logged once, at the end
    return EarlierTrial(
        source=run.info.run_name or run.info.run_id[:8],
        settings={name: scalar(text) for name, text in {**fixed, **run.data.params}.items()},
        ending=ending,
        reports=() if alone else tuple(whole),
        value=whole[0][1] if alone and not broken else None,
        diverged=broken and ending in (DOOMED, PRUNED, COMPLETED),
        data_hash=digest_of(parent) or digest_of(run),
    )


def _is_search(tags: Mapping[str, str]) -> bool:
    """Neither a configuration trained again on a further seed nor a control: those are no trials of the search."""
    return "tuner.repeat_of" not in tags and tags.get("tuner.origin") != CONTROL


def _commit(run: Any) -> str | None:
    clean = run.data.tags.get("tuner.git.dirty") != "true"
    commit = run.data.tags.get("mlflow.source.git.commit")
    return str(commit) if commit and clean else None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
