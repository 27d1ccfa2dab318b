"""MLflow runs as the record of one sweep: `tuner compare mlflow:EXPERIMENT_OR_RUN`.

Trials keep what MLflow has of them: parameters, the metric and the losses by step, ending and verdict where we wrote
them.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.errors import Fault, InputError
from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import UNKNOWN, Diagnosis
from tuner.records.tracked import TrackedSweep
from tuner.records.trial import CONTROL, SweepRecord, TrialRecord
from tuner.tracking.families import Family, digest_of, ending_of, opened, points, scalar
from tuner.tracking.mlflow_store import MlflowException

DEFAULT_METRIC = "val_loss"
_ALSO = ("train_loss", "val_loss")
_VERSION = "tuner.version."
_SWEEP_FILE = "sweep.yaml"


def read(uri: str, name: str, metric: str | None, mode: str | None) -> TrackedSweep:
    """See `tuner.tracking.read_sweep`."""
    cure = "`--uri` or MLFLOW_TRACKING_URI names another"
    with opened(uri, name, asked="RUN", address="--uri", cure=cure) as family:
        parents, trials = list(family.sweeps.values()), family.trials
        said = {
            (one.data.params["metric"], one.data.params.get("mode")) for one in parents if "metric" in one.data.params
        }
        if len(said) == 1:
            metric, mode = said.pop()
        metric = metric or DEFAULT_METRIC
        mode = mode or ("max" if metric.endswith("accuracy") else "min")
        if not any(metric in run.data.metrics for run in trials):
            there = ", ".join(sorted({one for run in trials for one in run.data.metrics})[:8]) or "none at all"
            cure = f"no run has this metric; `--metric` names another of: {there}"
            raise InputError(f"mlflow:{name}", (Fault("--metric", metric, cure),))
        records = [_trial(family, run, place, metric, mode) for place, run in enumerate(trials)]
        sweep_file = _sweep_file(family.client, parents[0].info.run_id) if len(parents) == 1 else None
    return _sweep(name, metric, mode, records, parents, trials, sweep_file)


def _sweep(
    name: str,
    metric: str,
    mode: str,
    records: list[TrialRecord],
    parents: list[Any],
    runs: list[Any],
    sweep_file: str | None,
) -> TrackedSweep:
    """Where several sweeps are in one experiment, what they do not share is not known."""
    own = parents or runs
    tags: Mapping[str, str] = parents[0].data.tags if len(parents) == 1 else {}
    commits = {run.data.tags.get("mlflow.source.git.commit") for run in own}
    hashes = {digest_of(run) for run in own}
    tasks = {run.data.tags.get("tuner.task") for run in own}
    horizons = {run.data.params.get("max_epochs", "") for run in own}
    horizon = horizons.pop() if len(horizons) == 1 else ""
    epochs = max((row.epochs[-1].epoch for row in records if row.epochs), default=0)
    starts = [run.info.start_time / 1000 for run in own if run.info.start_time]
    ends = [run.info.end_time / 1000 for run in own if run.info.end_time]
    first = [one for one in records if one.repeat_of is None and one.origin != CONTROL]
    began, ended = min(starts, default=0.0), max(ends, default=None) if len(ends) == len(own) else None
    repeats = tuple(one for one in records if one.repeat_of is not None)
    finalists = tuple(
        f"{run.info.run_name}/{name}" if len(parents) > 1 else name
        for run in parents
        for name in re.findall(r"[^,\s]+", run.data.tags.get("tuner.finalists", ""))
    )
    seeds = [sum(one.repeat_of == trial.trial for one in repeats) for trial in first]
    record = SweepRecord(
        run=name,
        path=f"mlflow:{name}",
        name=tags.get("tuner.sweep", name),
        metric=metric,
        mode=mode,
        max_epochs=int(horizon) if horizon.isdecimal() else epochs,
        total_trials=0,
        status=tags.get("tuner.status", "finished"),
        trials=tuple(first),
        started_at=began,
        ended_at=ended,
        task=tasks.pop() if len(tasks) == 1 else None,
        seconds={"total": ended - began} if ended is not None and len(own) == 1 else {},
        repeats=repeats,
        seeds_each=1 if finalists else 1 + max(seeds, default=0),
        final_seeds=max(seeds, default=0) if finalists else 0,
        finalists=finalists,
        controls=tuple(one for one in records if one.origin == CONTROL),
    )
    return TrackedSweep(
        record,
        sweep_file,
        commit=commits.pop() if len(commits) == 1 else None,
        dirty=tags.get("tuner.git.dirty") == "true",
        data_hash=hashes.pop() if len(hashes) == 1 else None,
        packages={key.removeprefix(_VERSION): value for key, value in tags.items() if key.startswith(_VERSION)},
        sweeps=len(parents),
    )


def _trial(family: Family, run: Any, place: int, metric: str, mode: str) -> TrialRecord:
    """Epochs are its steps; a curve that begins at step 0 is counted from 1. Of several sweeps, its name says whose."""
    tags, there = run.data.tags, run.data.metrics
    sweep = family.sweep_of(run)
    of = f"{sweep.info.run_name}/" if sweep is not None and len(family.sweeps) > 1 else ""
    curves = {
        one: points(family.client, run.info.run_id, one) for one in dict.fromkeys((metric, *_ALSO)) if one in there
    }
    kept = sorted({step for curve in curves.values() for step in curve})
    shift = 1 if kept and kept[0] == 0 else 0
    seconds = there.get("seconds")
    each = seconds / len(kept) if seconds and kept else _wall(run) / max(1, len(kept))
    epochs = tuple(
        EpochMetrics(step + shift, {one: curve[step] for one, curve in curves.items() if step in curve}, each)
        for step in kept
    )
    sign = 1.0 if mode == "min" else -1.0
    finite: list[tuple[float, int | None]] = [
        (sign * row.metrics[metric], row.epoch) for row in epochs if math.isfinite(row.metrics.get(metric, math.nan))
    ]
    best = min(finite, key=lambda one: one[0], default=None)
    if best is None and "tuner.curves" in tags and f"best_{metric}" in there:  # its epochs are in the parent's file
        best = sign * there[f"best_{metric}"], round(there.get("best_epoch", 0)) or None
    name = tags.get("tuner.trial") or run.info.run_name or run.info.run_id[:8]
    repeat_of = tags.get("tuner.repeat_of")
    parts = name.partition("-")[0]
    verdict = tags.get("tuner.verdict", UNKNOWN)
    return TrialRecord(
        trial=f"{of}{name}",
        number=int(parts) if parts.isdecimal() else place,
        config={key: scalar(text) for key, text in run.data.params.items()},
        origin=tags.get("tuner.origin", "tracked"),
        ending=ending_of(run),
        reason=tags.get("tuner.reason", ""),
        value=None if best is None else sign * best[0],
        best_epoch=None if best is None else best[1],
        epochs=epochs,
        facts=Facts(n_parameters=round(there["n_parameters"])) if there.get("n_parameters", 0) > 0 else None,
        diagnosis=Diagnosis(name, verdict),
        started_at=run.info.start_time / 1000 if run.info.start_time else None,
        ended_at=run.info.end_time / 1000 if run.info.end_time else None,
        repeat_of=None if repeat_of is None else f"{of}{repeat_of}",
    )


def _wall(run: Any) -> float:
    began, ended = run.info.start_time, run.info.end_time
    return (ended - began) / 1000 if began and ended else 0.0


def _sweep_file(client: Any, run_id: str) -> str | None:
    """None where the run keeps none, or its place cannot be read from here: the settings are then not known."""
    try:
        if not any(item.path == _SWEEP_FILE for item in client.list_artifacts(run_id)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(client.download_artifacts(run_id, _SWEEP_FILE, folder)).read_text(encoding="utf-8")
    except (MlflowException, OSError):
        return None
