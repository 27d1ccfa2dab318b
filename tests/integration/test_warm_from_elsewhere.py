"""Warm starts from files that Optuna itself and MLflow's own client wrote."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest
from mlflow.tracking.client import MlflowClient
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from tests.unit.sweep_kit import CATALOGUE
from tuner.api.warm import gather
from tuner.errors import InputError
from tuner.sweep import parse_sweep
from tuner.tracking.sqlite_file import make

SWEEP = """
name: today
loop: somewhere:loop
space:
  lr: {float: [1e-4, 0.1], log: true}
  optimizer: {choice: [adamw, sgd]}
  dropout: {float: [0, 0.5], default: 0.1}
search: {trials: 20, max_epochs: 4, warm_start: [SOURCE]}
tracking: {uri: "sqlite:///STORE"}
"""


def told(source: str, store: Path = Path("none.db")):
    text = SWEEP.replace("SOURCE", source).replace("STORE", str(store))
    return gather(parse_sweep(text, path="today.yaml", catalogue=CATALOGUE), Path("runs"))


def fill(study: optuna.Study) -> None:
    """Twelve trials: eight fit, two have lr above 0.1, one failed, one still runs."""
    for number in range(10):
        lr = 0.5 if number in (3, 4) else 0.001 * (1 + number)
        study.add_trial(_trial(lr, 1.0 / (1 + number), pruned=number == 5))
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    study.ask()


def _trial(lr: float, value: float, *, pruned: bool) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.COMPLETE,
        value=value,
        params={"lr": lr, "optimizer": "sgd"},
        distributions={
            "lr": optuna.distributions.FloatDistribution(1e-5, 1.0, log=True),
            "optimizer": optuna.distributions.CategoricalDistribution(["adamw", "sgd", "rmsprop"]),
        },
        intermediate_values={step: value + 1.0 / (1 + step) for step in range(2 if pruned else 4)},
    )


@pytest.fixture(params=["study.db", "study.log"])
def storage(request: pytest.FixtureRequest, tmp_path: Path):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = tmp_path / request.param
    made = RDBStorage(f"sqlite:///{path}") if path.suffix == ".db" else JournalStorage(JournalFileBackend(str(path)))
    return path, made


def test_a_study_is_read_and_what_does_not_fit_is_named(storage) -> None:
    path, made = storage
    fill(optuna.create_study(storage=made, study_name="yesterday"))
    before = path.read_bytes()
    warm = told(f"{{run: {path}, trust: true}}")
    assert path.read_bytes() == before
    assert len(warm.lines) == 8
    assert warm.heads[0]["trials"] == 12
    assert [2, "with lr above 0.1"] in warm.heads[0]["left_out"]
    assert sum(count for count, _ in warm.heads[0]["left_out"]) == 4
    assert "dropout (its default, 0.1)" in warm.notes[0]
    first = warm.lines[0]
    assert first["config"] == {"lr": 0.001, "optimizer": "sgd", "dropout": 0.1}
    assert [epoch for epoch, _ in first["reports"]] == [1, 2, 3, 4], "steps from 0 are epochs from 1"
    assert {line["ending"] for line in warm.lines} == {"completed", "pruned"}


def test_of_a_study_nobody_knows_the_conditions_so_its_best_are_trained_again(storage) -> None:
    path, made = storage
    fill(optuna.create_study(storage=made, study_name="yesterday"))
    warm = told(str(path))
    assert [line["again"] for line in warm.lines] == [True] * 4
    assert "8 discounted, since nothing says what code it ran" in warm.notes[0]
    assert {line["config"]["lr"] for line in warm.lines} == {0.001 * (1 + n) for n in (9, 8, 7, 6)}


def test_of_several_studies_one_is_named(storage) -> None:
    path, made = storage
    for name in ("one", "two"):
        fill(optuna.create_study(storage=made, study_name=name))
    with pytest.raises(InputError) as caught:
        told(str(path))
    assert "there are: one, two" in str(caught.value)
    assert told(f'"{path}#two"').heads[0]["run"] == f"{path.name}#two"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b'{"kind": "sweep"}\n', b"nonsense"])
def test_what_is_no_study_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.db").write_bytes(content)
    with pytest.raises(InputError):
        told(str(tmp_path / "other.db"))


def test_mlflow_runs_of_anybodys(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    make(store)
    client = MlflowClient(f"sqlite:///{store}")
    experiment = client.create_experiment("yesterday")
    for number in range(6):
        run = client.create_run(experiment, run_name=f"run {number}").info.run_id
        client.log_param(run, "lr", 0.5 if number == 0 else 0.001 * number)
        client.log_param(run, "optimizer", "sgd")
        for step in range(4):
            broken = number == 5 and step == 3
            client.log_metric(run, "val_loss", math.nan if broken else 1.0 / number if number else 9.0, step=step)
        client.set_terminated(run, "FINISHED" if number != 4 else "KILLED")
    empty = client.create_run(experiment, run_name="empty").info.run_id
    client.log_param(empty, "lr", 0.01)
    client.log_param(empty, "optimizer", "adamw")
    client.set_terminated(empty, "FINISHED")
    again = client.create_run(experiment, run_name="a further seed", tags={"tuner.repeat_of": "run 1"}).info.run_id
    client.log_param(again, "lr", 0.001)
    client.log_metric(again, "val_loss", 0.1, step=1)
    client.set_terminated(again, "FINISHED")
    warm = told('{run: "mlflow:yesterday", trust: true}', store)
    assert [line["source"] for line in warm.lines] == [f"run {number}" for number in range(1, 6)]
    assert warm.lines[-1]["diverged"]
    assert {why: count for count, why in warm.heads[0]["left_out"]} == {
        "with lr above 0.1": 1,
        "without a finite val_loss": 1,
    }
    with pytest.raises(InputError, match="experiments there are"):
        told('"mlflow:tomorrow"', store)
