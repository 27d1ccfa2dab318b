"""The best network as a model in real MLflow on SQLite: loaded there, it is what `tuner.load` gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tracking_kit import JournalBuilder

import tuner
from tuner import tracking
from tuner.tracking.best_model import BestModel
from tuner.training.forms import InputForm
from tuner.training.model_record import read_record
from tuner.training.task_info import TaskInfo


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making one takes seconds, copying it none."""
    from tuner.tracking.sqlite_file import make

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make(path)
    return path


@pytest.fixture
def uri(tmp_path: Path, empty_store: Path) -> str:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tracking.default_uri(tmp_path / "runs")


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    journal = JournalBuilder(tmp_path / "runs")
    journal.keep_weights("0001", 5, 0.3)
    journal.directory.environment.write_text('{"versions": {"torch": "2.15.0"}}')
    journal.sweep().driver().trial(0, 1).trial(1, 5).end()
    return journal


def client(uri: str) -> Any:
    from mlflow.tracking.client import MlflowClient

    return MlflowClient(uri)


def models(uri: str, state: tracking.TrackingState) -> list[Any]:
    return list(client(uri).search_logged_models([state.experiment_id]))


def test_it_is_loaded_without_a_pickle_and_gives_what_the_tuner_gives(journal: JournalBuilder, uri: str) -> None:
    with warnings.catch_warnings():  # of MLflow at itself
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        from mlflow.artifacts import download_artifacts

    state = tracking.track(journal.directory, uri, "digits")
    (logged,) = models(uri, state)
    assert (logged.name, str(logged.status), logged.source_run_id) == ("best", "READY", state.parent_run)
    assert logged.params == {"lr": "0.003"}
    assert {"tuner.trial": "0001", "tuner.val_loss": "0.3"}.items() <= logged.tags.items()
    (output,) = client(uri).get_run(state.parent_run).outputs.model_outputs
    assert (output.model_id, output.step) == (logged.model_id, 5)
    mlflow.set_tracking_uri(uri)
    folder = Path(download_artifacts(f"runs:/{state.parent_run}/best"))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "requirements.txt", "conda.yaml", "python_env.yaml", "input_example.json"} <= there
    assert {"network/model.safetensors", "network/config.json", "network/README.md"} <= there
    assert not [name for name in there if name.endswith((".pkl", ".pt", ".py"))]
    requirements = (folder / "requirements.txt").read_text()
    assert f"tuner=={tuner.__version__}" in requirements and "torch==" in requirements
    served = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert str(served.metadata.signature.inputs) == "[Tensor('float32', (-1, 1, 8, 8))]"
    assert str(served.metadata.signature.outputs) == "[Tensor('float32', (-1, 10))]"
    assert np.array_equal(served.input_example, np.full((1, 1, 8, 8), 4.5, np.float32))
    x = np.random.default_rng(0).uniform(0, 16, (7, 1, 8, 8)).astype(np.float32)
    wanted = tuner.load(journal.directory.path).predict(x)
    assert np.array_equal(served.predict(x), wanted)
    assert wanted.argmax(1).tolist() == [9] * 7
    assert served.predict(served.input_example).shape == (1, 10)


@pytest.mark.slow
def test_a_process_that_knows_nothing_of_the_run_loads_it(journal: JournalBuilder, uri: str, tmp_path: Path) -> None:
    state = tracking.track(journal.directory, uri, "digits")
    wanted = tuner.load(journal.directory.path).predict(np.ones((2, 1, 8, 8)))
    shutil.rmtree(journal.directory.path.parent)
    code = (
        "import mlflow.pyfunc, numpy as np\n"
        f"model = mlflow.pyfunc.load_model('runs:/{state.parent_run}/best')\n"
        f"np.save('found.npy', model.predict(np.ones((2, 1, 8, 8), np.float32)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "MLFLOW_TRACKING_URI": uri}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True, capture_output=True)
    assert np.array_equal(np.load(tmp_path / "found.npy"), wanted)


def test_it_is_there_once_however_often_the_journal_is_gone_over(
    journal: JournalBuilder, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking.client import MlflowClient

    real, calls = MlflowClient.log_model_artifacts, []

    def interrupted(self: Any, model_id: str, folder: str) -> None:
        real(self, model_id, folder)
        calls.append(model_id)
        if len(calls) == 1:
            raise OSError("the connection is gone")

    monkeypatch.setattr(MlflowClient, "log_model_artifacts", interrupted)
    state = tracking.track(journal.directory, uri, "digits")
    assert state.complete
    assert len(calls) == 2 and len(set(calls)) == 1
    tracking.track(journal.directory, uri, "digits")
    journal.directory.tracking.unlink()
    tracking.track(journal.directory, uri, "digits")
    journal.driver(2).end()  # a resume that found nothing to do
    tracking.track(journal.directory, uri, "digits")
    assert [str(model.status) for model in models(uri, state)] == ["READY"]
    assert len(calls) == 2
    journal.keep_weights("0002", 3)
    journal.driver(3).suggest(2).start(2)
    for epoch in (1, 2, 3):
        journal.report(2, epoch, val_loss=0.1 / epoch)
    journal.ending(2, "completed").end()
    tracking.track(journal.directory, uri, "digits")
    assert sorted(model.tags["tuner.weights"] for model in models(uri, state)) == ["0001 epoch 5", "0002 epoch 3"]


def test_each_kept_network_is_a_model_of_its_trial_with_the_values_of_its_best_epoch(
    journal: JournalBuilder, uri: str
) -> None:
    journal.keep_weights("0000", 1, 1.1)
    state = tracking.track(journal.directory, uri, "digits")
    found = {model.name: client(uri).get_logged_model(model.model_id) for model in models(uri, state)}
    assert {name: model.source_run_id for name, model in found.items()} == {
        "best": state.parent_run,
        "0000": state.children["0000"],
    }
    best = {metric.key: metric for metric in found["best"].metrics}
    assert best["best_val_loss"].value == pytest.approx(0.3)
    assert (best["best_val_loss"].dataset_name, best["best_val_loss"].run_id) == ("digits", state.children["0001"])
    assert {metric.key: metric.value for metric in found["0000"].metrics}["best_val_loss"] == pytest.approx(1.1)
    for trial, name in (("0000", "0000"), ("0001", "best")):
        run = client(uri).get_run(state.children[trial])
        assert [output.model_id for output in run.outputs.model_outputs] == [found[name].model_id]
        history = client(uri).get_metric_history(run.info.run_id, "best_val_loss")
        assert len(history) == 1


def test_the_model_of_a_trial_that_somebody_deleted_is_left_out(journal: JournalBuilder, uri: str) -> None:
    journal.keep_weights("0000", 1, 1.1)
    state = tracking.track(journal.directory, uri, "digits")
    for model in models(uri, state):
        client(uri).delete_logged_model(model.model_id)
    for run_id in state.children.values():
        client(uri).delete_run(run_id)
    journal.driver(2).end()
    state = tracking.track(journal.directory, uri, "digits")
    assert state.complete
    assert [model.name for model in models(uri, state)] == ["best"]


def test_a_server_that_has_no_models_costs_the_sweep_nothing_else(
    journal: JournalBuilder, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND
    from mlflow.tracking.client import MlflowClient

    def unknown(*args: Any, **kwargs: Any) -> None:
        raise MlflowException("no such endpoint", error_code=ENDPOINT_NOT_FOUND)

    monkeypatch.setattr(MlflowClient, "search_logged_models", unknown)
    with pytest.raises(tuner.RunError, match=r"the best model: .*no such endpoint"):
        tracking.track(journal.directory, uri, "digits")
    state = tracking.read_state(journal.directory)
    assert state is not None
    assert client(uri).get_run(state.parent_run).info.status == "FINISHED"
    monkeypatch.undo()
    assert tracking.track(journal.directory, uri, "digits").complete


FLOATS = InputForm("float32")


@pytest.mark.parametrize(
    ("task", "form", "given", "found"),
    [
        (TaskInfo("t", (5,), 0, 9, "values", 2), FLOATS, ("float32", (-1, 5)), (-1, 2)),
        (
            TaskInfo("t", (3, 8, 8), 0, 9, "mask", 1),
            InputForm("float32"),
            ("float32", (-1, 3, -1, -1)),
            (-1, 1, -1, -1),
        ),
        (TaskInfo("t", (20,), 0, 9, "tokens", 30, 30), InputForm("int64"), ("int64", (-1, -1)), (-1, -1, 30)),
        (TaskInfo("t", (1, 8, 8), 0, 9, "itself", 1), FLOATS, ("float32", (-1, 1, 8, 8)), (-1, 1, 8, 8)),
        (TaskInfo("t", (4,), 0, 9, "own", 1), FLOATS, ("float32", (-1, 4)), None),
        (TaskInfo("t", (), 0, 9, "own", 1), InputForm(None), None, None),
    ],
    ids=lambda value: value.kind if isinstance(value, TaskInfo) else "",
)
def test_the_signature_says_what_each_kind_of_task_takes_and_gives(
    journal: JournalBuilder, task: TaskInfo, form: InputForm, given: Any, found: Any
) -> None:
    from tuner.tracking.mlflow_model import _signature

    path = journal.directory.trial_checkpoints("0001") / "best.safetensors"
    best = BestModel(path, replace(read_record(path), task=task, inputs=form), {})
    assert best.input == given
    assert best.output == (None if found is None else ("float32", found))
    signature = _signature(best)
    assert (signature is None) == (given is None)
    if given is None:
        assert best.example is None
    else:
        assert best.example is not None
        assert (str(best.example.dtype), best.example.shape) == (given[0], (1, *task.input_shape))
