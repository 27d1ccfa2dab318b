"""One MLflow run's writes: only what it does not hold yet, in one request, whatever may be refused of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tuner.errors import InputError
from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import SweepRecord, TrialRecord
from tuner.tracking import mapping
from tuner.tracking.best_model import NAME, best_model, kept_by_a_loop
from tuner.tracking.store import LONGEST_DIGEST, MlflowRun, ModelPlace, Point, Rejected, RunGone, Store


class Writer:
    """Keeps each MlflowRun as what MLflow holds of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refused: dict[str, str] = {}

    def refusals(self) -> str:
        """What MLflow did not take and never will, for a person."""
        return "; ".join(f"{name}: {why}" for name, why in list(self._refused.items())[:3])

    def send(
        self, name: str, run: MlflowRun, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        points = self._unsent(run, points)
        params = {key: value for key, value in params.items() if key not in run.params}
        news = {key: value for key, value in tags.items() if run.tags.get(key) != value}
        drop = [key for key in run.tags if key.startswith(mapping.OURS) and key not in tags]
        if points or params or news or drop:
            run.unsure = True  # until the answer is here
            try:
                self._store.write(run.run_id, points, params, news, drop)
            except Rejected:
                self._send_apart(name, run, points, params, news, drop)
        run.unsure = False
        run.params |= params
        run.tags = {key: value for key, value in run.tags.items() if key not in drop} | news

    def _send_apart(
        self,
        name: str,
        run: MlflowRun,
        points: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        """One value that MLflow refuses costs its own kind and no other."""
        nothing: dict[str, str] = {}
        for part in ((points, nothing, nothing, ()), ((), params, nothing, ()), ((), nothing, tags, drop)):
            if any(part):
                try:
                    self._store.write(run.run_id, *part)
                except Rejected as refusal:
                    self._refused[name] = str(refusal)

    def _unsent(self, run: MlflowRun, points: Sequence[Point]) -> list[Point]:
        """On stores that would keep a point twice, and where a request was given up on, look first."""
        if not run.unsure or not points:
            return list(points)
        stored = self._store.steps(run.run_id, {point.name for point in points})
        return [point for point in points if point.step not in stored.get(point.name, ())]

    def set_status(self, run: MlflowRun, status: str, at: int) -> None:
        if run.status != status:
            self._store.set_status(run.run_id, status, at)
            run.status = status

    def dataset(self, run: MlflowRun, name: str, facts: Line) -> None:
        profile = {key: facts[key] for key in ("n_train", "n_val", "num_classes") if facts.get(key) is not None}
        self._store.dataset(run.run_id, name, str(facts["data_hash"])[:LONGEST_DIGEST], name, profile)

    def view(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """How the UI shows the experiment. It is a convenience: a refusal is logged, and nothing is missing."""
        try:
            self._store.tag_experiment(experiment_id, tags)
        except Rejected as refusal:
            print(f"tracking: {refusal}", file=sys.stderr, flush=True)

    def artifacts(self, run: MlflowRun, run_dir: RunDirectory) -> None:
        """The files of a sweep that has ended."""
        tables = (run_dir.trials, run_dir.curves, run_dir.findings)
        for path in (run_dir.sweep, run_dir.environment, run_dir.summary, run_dir.report, *tables):
            if path.is_file():
                self._store.artifact(run.run_id, path)

    def models(
        self,
        experiment_id: str,
        run: MlflowRun,
        of: Mapping[str, MlflowRun],
        run_dir: RunDirectory,
        record: SweepRecord,
    ) -> None:
        """The networks that were kept: the best one's belongs to the sweep's run, the others to their trials'."""
        kept = run_dir.kept_checkpoints(record)
        if kept_by_a_loop(record):
            for _, path in kept[:1]:
                self._store.artifact(run.run_id, path, "best_checkpoint")
            return
        for number, (training, path) in enumerate(kept):
            own = of.get(training.trial)
            if number == 0:
                place = ModelPlace(NAME, run.run_id, own.run_id if own else None, _best_points(training, record))
                self._model(experiment_id, place, "the best model", run_dir, training, path)
            elif own is not None and not own.gone:
                place = ModelPlace(training.trial, own.run_id, own.run_id, _best_points(training, record))
                try:
                    self._model(experiment_id, place, f"the model of {training.trial}", run_dir, training, path)
                except RunGone:
                    own.gone = True  # its model goes with it

    def _model(
        self, experiment_id: str, place: ModelPlace, label: str, run_dir: RunDirectory, of: TrialRecord, path: Path
    ) -> None:
        self._refused.pop(label, None)
        try:
            self._store.model(experiment_id, place, best_model(run_dir, of, path))
        except (Rejected, InputError) as refusal:
            self._refused[label] = " ".join(str(refusal).split())


def _best_points(training: TrialRecord, record: SweepRecord) -> list[Point]:
    """What its run was sent of its best epoch."""
    closing = mapping.closing_points(training, record.metric)
    return [one for one in closing if one.name.startswith("best_") and math.isfinite(one.value)]
