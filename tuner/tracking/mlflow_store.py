"""MLflow itself behind the follower's `Store`: the one file that imports mlflow.

MLflow's own retries are off: a request that is given up on may still be done by a slow server, so the follower
looks before it asks again, and waits between as long as it likes, since it delays nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tuner.errors import InputError
from tuner.tracking import sqlite_file
from tuner.tracking.best_model import BestModel
from tuner.tracking.store import LONGEST_DIGEST, RUNNING, MlflowRun, ModelPlace, Point, Rejected, RunGone, StoreProblem
from tuner.tracking.uri import DATABASES, mask, masked, scheme_of, sqlite_path
from tuner.tracking.view import KIND

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
for _name, _value in _QUIET.items():
    os.environ.setdefault(_name, _value)  # before the import: some are read then

import mlflow.entities as entities  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking.client import MlflowClient  # noqa: E402

__all__ = ["MlflowClient", "MlflowException", "MlflowStore"]

_NO_SUCH = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST")
_TOO_OLD = "ENDPOINT_NOT_FOUND"
"""A server that has no such request, and will have none while we wait."""
_PAGE = 1000


class MlflowStore:
    """A tracking URI's store. Nothing is reached before the first call."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._uri = uri
        self._artifacts = artifacts
        """Where artifacts lie for a database without a server; a server decides for itself."""
        self._file = sqlite_path(uri)
        self._client: MlflowClient | None = None

    def close(self) -> None:
        """Wait until the disk has all that was written."""
        if self._file is not None and self._client is not None:
            with self._speaking("waiting for the disk"):
                sqlite_file.sync(self._file)

    def experiment(self, name: str) -> str:
        with self._speaking(f"experiment {name!r}"):
            found = self._open().get_experiment_by_name(name)
            if found is None:
                found = self._make_experiment(name)
            self._check_living(found)
            return str(found.experiment_id)

    def find(self, experiment_id: str, run: str) -> Mapping[str, Sequence[MlflowRun]]:
        out: dict[str, list[MlflowRun]] = {}
        quoted = f"'{run}'" if "'" not in run else f'"{run}"'
        with self._speaking("looking for what is there"):
            page: str | None = None
            while True:
                some = self._open().search_runs(
                    [experiment_id],
                    f"tags.`tuner.run` = {quoted}",
                    run_view_type=entities.ViewType.ALL,
                    max_results=_PAGE,
                    page_token=page,
                )
                for item in some:
                    known = MlflowRun(
                        run_id=item.info.run_id,
                        status=item.info.status,
                        tags=dict(item.data.tags),
                        params=dict(item.data.params),
                        gone=item.info.lifecycle_stage == entities.LifecycleStage.DELETED,
                    )
                    out.setdefault(known.tags.get("tuner.trial", ""), []).append(known)
                page = some.token
                if not page:
                    return out

    def create(self, experiment_id: str, name: str, at: int, tags: Mapping[str, str]) -> str:
        with self._speaking(f"creating {name}", experiment_id=experiment_id):
            run = self._open().create_run(experiment_id, start_time=at, tags=dict(tags), run_name=name)
            return str(run.info.run_id)

    def write(
        self,
        run_id: str,
        points: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        drop: Collection[str] = (),
    ) -> None:
        with self._speaking("writing", run_id=run_id, refusable=True):
            if points or params or tags:
                self._open().log_batch(
                    run_id,
                    metrics=[entities.Metric(point.name, point.value, point.at, point.step) for point in points],
                    params=[entities.Param(name, value) for name, value in params.items()],
                    tags=[entities.RunTag(name, value) for name, value in tags.items()],
                )
            for name in drop:
                self._drop(run_id, name)

    def _drop(self, run_id: str, name: str) -> None:
        try:
            self._open().delete_tag(run_id, name)
        except MlflowException as error:
            if error.error_code not in _NO_SUCH or name in self._open().get_run(run_id).data.tags:
                raise  # else it is gone: a try before this one got so far

    def steps(self, run_id: str, names: Collection[str]) -> Mapping[str, Collection[int]]:
        with self._speaking("reading what is there", run_id=run_id):
            history = self._open().get_metric_history
            return {name: {point.step for point in history(run_id, name)} for name in sorted(names)}

    def set_status(self, run_id: str, status: str, at: int) -> None:
        with self._speaking(f"saying {status}", run_id=run_id):
            if status == RUNNING:
                self._open().update_run(run_id, status=status)
            else:
                self._open().set_terminated(run_id, status, at)

    def dataset(self, run_id: str, name: str, digest: str, source: str, profile: Mapping[str, object]) -> None:
        dataset = entities.Dataset(
            name=name[:500],
            digest=digest,
            source_type="local",
            source=json.dumps({"uri": source}),
            profile=json.dumps(dict(profile)),
        )
        context = entities.InputTag("mlflow.data.context", "training")
        with self._speaking("naming the dataset", run_id=run_id):
            self._open().log_inputs(run_id, [entities.DatasetInput(dataset, [context])])

    def artifact(self, run_id: str, path: Path, folder: str = "") -> None:
        with self._speaking(f"copying {path.name} to the artifacts", run_id=run_id):
            self._open().log_artifact(run_id, str(path), folder or None)

    def model(self, experiment_id: str, place: ModelPlace, best: BestModel) -> None:
        from tuner.tracking.mlflow_model import write_model

        client, tags = self._open(), best.tags
        with self._speaking("logging a model", run_id=place.run_id, experiment_id=experiment_id, refusable=True):
            there = client.search_logged_models(
                [experiment_id],
                " AND ".join(f"tags.`{name}` = '{tags[name]}'" for name in ("tuner.run", "tuner.weights")),
            )
            if any(model.status == entities.LoggedModelStatus.READY for model in there):
                return
            logged = next(iter(there), None) or client.create_logged_model(
                experiment_id, place.name, place.run_id, tags=tags, params=best.params
            )
            with TemporaryDirectory(prefix="tuner-") as scratch:
                folder = Path(scratch) / "model"
                try:
                    write_model(folder, best, logged)
                except (OSError, ValueError, InputError) as error:
                    raise Rejected(f"the model could not be written: {error}") from error
                client.log_model_artifacts(logged.model_id, str(folder))
            self._link(logged.model_id, place, best)
            client.finalize_logged_model(logged.model_id, "READY")  # last: what is not ready is tried again

    def _link(self, model_id: str, place: ModelPlace, best: BestModel) -> None:
        """Both runs name the model. The trial has these very values already: they become the model's besides."""
        client, record, runs = self._open(), best.record, [place.run_id]
        trained_by = place.trained_by
        if trained_by is not None and trained_by != place.run_id:
            gone = client.get_run(trained_by).info.lifecycle_stage == entities.LifecycleStage.DELETED
            trained_by = None if gone else trained_by
            runs += [] if trained_by is None else [trained_by]
        for run_id in runs:
            client.log_outputs(run_id, [entities.LoggedModelOutput(model_id, step=record.epoch)])
        data = {"dataset_name": record.task.name, "dataset_digest": record.data_hash[:LONGEST_DIGEST]}
        values = [
            entities.Metric(
                one.name, one.value, one.at, one.step, model_id=model_id, **(data if all(data.values()) else {})
            )
            for one in place.values
        ]
        if values and trained_by is not None:
            client.log_batch(trained_by, metrics=values)

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        with self._speaking("tagging the experiment", experiment_id=experiment_id, refusable=True):
            there = self._open().get_experiment(experiment_id).tags
            for name, value in tags.items():
                if there.get(name) != value and not (name == KIND and name in there):  # somebody chose another
                    self._tag_experiment(experiment_id, name, value)

    def _tag_experiment(self, experiment_id: str, name: str, value: str) -> None:
        try:
            self._open().set_experiment_tag(experiment_id, name, value)
        except MlflowException as error:
            if error.error_code == "PERMISSION_DENIED":  # of one who may write runs: the rest can go on
                raise Rejected(self._says("tagging the experiment", error)) from error
            raise

    def delete(self, run_id: str) -> None:
        with self._speaking("taking a double away", run_id=run_id):
            self._open().delete_run(run_id)

    def _open(self) -> MlflowClient:
        if self._client is None:
            if self._file is not None:
                sqlite_file.make(self._file)
                sqlite_file.commit_without_waiting(self._file)
            self._client = MlflowClient(self._uri)
        return self._client

    def _make_experiment(self, name: str) -> Any:
        client, place = self._open(), None
        if scheme_of(self._uri) in DATABASES:
            place = (self._artifacts / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)).as_uri()
        with suppress(MlflowException):  # another sweep made it just now; any other reason shows in the next line
            return client.get_experiment(client.create_experiment(name, artifact_location=place))
        found = client.get_experiment_by_name(name)
        return found if found is not None else client.get_experiment(client.create_experiment(name, place))

    def _check_living(self, experiment: Any) -> None:
        if experiment.lifecycle_stage == entities.LifecycleStage.DELETED:
            raise StoreProblem(
                f"MLflow's experiment {experiment.name!r} was deleted: `mlflow experiments restore --experiment-id "
                f"{experiment.experiment_id}` brings it back, or name another one in tracking.experiment"
            )

    @contextmanager
    def _speaking(
        self, what: str, *, run_id: str | None = None, experiment_id: str | None = None, refusable: bool = False
    ) -> Iterator[None]:
        """Every failure as one of ours, told apart by MLflow's error codes and by looking."""
        try:
            yield
        except (StoreProblem, Rejected, RunGone):
            raise
        except MlflowException as error:
            says = self._says(what, error)
            if refusable and error.error_code == _TOO_OLD:
                raise Rejected(says) from error
            if error.error_code not in (*_NO_SUCH, *_REFUSALS):
                raise StoreProblem(says) from error
            try:
                if run_id is not None:
                    self._check_run(run_id, error.error_code)
                if experiment_id is not None:
                    self._check_living(self._open().get_experiment(experiment_id))
            except MlflowException as other:
                raise StoreProblem(self._says(what, other)) from other
            if refusable and error.error_code in _REFUSALS:
                raise Rejected(says) from error
            raise StoreProblem(says) from error
        except Exception as error:  # stores, drivers and artifact places raise whatever they like
            raise StoreProblem(self._says(what, error)) from error

    def _check_run(self, run_id: str, code: str) -> None:
        """Raises RunGone where the run itself was deleted, StoreProblem where its whole experiment was."""
        try:
            run = self._open().get_run(run_id)
        except MlflowException as error:
            if error.error_code in _NO_SUCH and code in _NO_SUCH:
                raise RunGone(run_id) from error
            raise
        self._check_living(self._open().get_experiment(run.info.experiment_id))
        if run.info.lifecycle_stage == entities.LifecycleStage.DELETED:
            raise RunGone(run_id)

    def _says(self, what: str, error: BaseException) -> str:
        text = " ".join(str(error).split())
        return f"{masked(self._uri)}: {what}: {type(error).__name__}: {mask(text, self._uri)[:500]}"
