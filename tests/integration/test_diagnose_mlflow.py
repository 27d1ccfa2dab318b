"""`mlflow:RUN_OR_EXPERIMENT` against a real store that MLflow's own client wrote."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from mlflow.tracking.client import MlflowClient

from tuner.api.curves import histories_of
from tuner.diagnosis import diagnose
from tuner.errors import InputError, RunError
from tuner.records.history import History
from tuner.tracking.sqlite_file import make

TRAIN, VAL = [2.0, 1.0, 0.5, 0.2, 0.1], [2.1, 1.5, 1.4, 1.6, 1.9]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """The URI, and run ids by name."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    make(path)
    uri = f"sqlite:///{path}"
    client, ids = MlflowClient(uri), {}
    plain, sweep = client.create_experiment("plain"), client.create_experiment("a sweep's")

    def add(name: str, experiment: str, first: int, parent: str = "", scale: float = 1.0) -> str:
        run = client.create_run(experiment, run_name=name, tags={"mlflow.parentRunId": parent} if parent else {})
        ids[name] = str(run.info.run_id)
        for place, (train, val) in enumerate(zip(TRAIN, VAL, strict=True)):
            client.log_metric(ids[name], "train_loss", train * scale, step=first + place)
            client.log_metric(ids[name], "val_loss", val, step=first + place)
        client.log_param(ids[name], "lr", 0.1)
        client.log_param(ids[name], "optimizer", "sgd")
        return ids[name]

    add("from zero", plain, 0)
    client.log_metric(add("infinite", plain, 1), "train_loss", math.inf, step=6)
    empty = client.create_run(plain, run_name="no loss")
    client.log_metric(empty.info.run_id, "fps", 3.0)
    parent = client.create_run(sweep, run_name="sweep").info.run_id
    client.log_param(parent, "max_epochs", 9)
    for trial in ("0000", "0001"):
        client.log_metric(add(trial, sweep, 1, parent), "initial_loss", 2.3, step=0)
    return uri, {**ids, "sweep": parent}


def read(store: tuple[str, dict[str, str]], name: str) -> list[History]:
    return histories_of(f"mlflow:{name}", Path("runs"), store[0])


def test_an_experiment_is_all_of_its_runs_with_a_loss(store: tuple[str, dict[str, str]]) -> None:
    zero, infinite = read(store, "plain")
    assert (zero.id, infinite.id) == ("from zero", "infinite")
    assert zero.epoch.tolist() == [1, 2, 3, 4, 5], "steps that count from 0 are epochs from 1"
    assert zero.curves["train_loss"].tolist() == TRAIN
    assert zero.curves["val_loss"].tolist() == VAL
    assert zero.config == {"lr": 0.1, "optimizer": "sgd"}
    assert infinite.curves["train_loss"][-1] == math.inf
    assert infinite.missing["val_loss"].tolist() == [False] * 5 + [True]
    assert diagnose([infinite])[0].verdict == "diverged"


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_sweeps_run_stands_for_its_trials(store: tuple[str, dict[str, str]], by: str) -> None:
    found = read(store, store[1]["sweep"] if by == "id" else "sweep")
    assert [history.id for history in found] == ["0000", "0001"]
    assert {(history.max_epochs, history.initial_loss) for history in found} == {(9, 2.3)}


def test_a_trials_number_is_its_runs_name_and_no_experiments_id(store: tuple[str, dict[str, str]]) -> None:
    """`mlflow:0001` read the experiment of the id 1, because MLflow takes 0001 for 1."""
    assert [history.id for history in read(store, "0001")] == ["0001"]
    assert [history.id for history in read(store, "1")] == ["from zero", "infinite"]


def test_one_run_and_the_store_from_the_environment(
    store: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store[0])
    (history,) = histories_of(f"mlflow:{store[1]['0001']}", Path("runs"))
    assert history.id == "0001"


@pytest.mark.parametrize(
    ("name", "said"), [("nothing", "there are: .*plain"), ("f" * 32, "no such run"), ("no loss", "metrics = 'fps'")]
)
def test_what_is_not_there_is_told(store: tuple[str, dict[str, str]], name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(store, name)


def test_a_server_out_of_reach_is_a_run_error_without_its_password() -> None:
    with pytest.raises(RunError, match="reading") as raised:
        histories_of("mlflow:plain", Path("runs"), "http://me:secret-word@127.0.0.1:9")
    assert "secret-word" not in str(raised.value)
