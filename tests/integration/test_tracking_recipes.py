"""Every filter that docs/mlflow.md recommends finds, in a real store, the runs that its comment says."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from tracking_kit import JournalBuilder, overfitting

from tuner import tracking

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "mlflow.md"
SWEEP = "digits-20261121-0551-7f3a"
EXPECTED = {
    "all trials, without the sweeps' own runs": "0000 0001 0002 0003 0004 0005 0006 0000-2 control-1",
    "the sweeps' own runs": SWEEP,
    "the trials of one sweep": "0000 0001 0002 0003 0004 0005 0006 0000-2 control-1",
    "what overfits before all else": "0001 0002",
    "what overfits, whatever else it does": "0001 0002 0006",
    "what overfits and was good before": "0001",
    "healthy ones of one kind": "0000",
    "stopped by the scheduler": "0003",
    "failed": "0004",
    "failed or stopped for this reason": "0004",
    "whose validation loss was infinite": "0005",
    "good ones, the sweep itself too": f"0000 {SWEEP}",
    "trained on long after their best epoch": "0001 0002",
    "the slow ones": "0000 0001 0002",
    "the further seeds of one trial": "0000-2",
    "control trials of a night": "control-1",
    "whose curve is in the parent's file alone": "0003",
    "sweeps whose best trials were cut short": SWEEP,
    "nights that were worse": SWEEP,
}


def recipes() -> dict[str, str]:
    """What it finds -> the filter."""
    (block,) = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    parts = [line.split(" -- ") for line in block.splitlines()]
    return {says.strip(): wanted.strip() for wanted, says in parts}


def healthy(trial: str) -> dict[str, Any]:
    return {"id": trial, "verdict": "healthy", "findings": []}


def alone(symptom: str) -> dict[str, Any]:
    found = overfitting()
    return found | {"verdict": symptom, "findings": [found["findings"][0] | {"symptom": symptom}]}


def also(first: str) -> dict[str, Any]:
    found = overfitting()
    return found | {"verdict": first, "findings": [found["findings"][0] | {"symptom": first}, *found["findings"]]}


def training(journal: JournalBuilder, trial: str, values: list[float], ending: str, reason: str, found: Any) -> None:
    """Of a trial that has begun."""
    journal.append("start", trial=trial, attempt=1, after_epoch=0)
    for epoch, value in enumerate(values, 1):
        journal.report(0, epoch, val_loss=value)
        text = journal.directory.journal.read_text(encoding="utf-8").splitlines(keepends=True)
        journal.directory.journal.write_text("".join(text[:-1]), encoding="utf-8")
        journal.put(journal.lines.pop() | {"trial": trial})
    journal.append("ending", trial=trial, attempt=1, ending=ending, reason=reason, diagnosis=found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """(uri, experiment id) of a sweep with something of everything."""
    folder = tmp_path_factory.mktemp("recipes")
    journal = JournalBuilder(folder / "runs")
    journal.directory.sweep.write_text("name: digits\n")
    journal.sweep().driver().append("night", id="2026-11-21-7f3a9c21", control="accepted")
    rises = [0.3, 0.29, 0.4, 0.5, 0.6]
    plan: list[tuple[list[float], str, str, Any]] = [
        ([0.5, 0.4, 0.3, 0.2, 0.1], "completed", "", healthy("0000")),
        (rises, "completed", "", overfitting()),
        ([value + 0.2 for value in rises], "completed", "", overfitting()),
        ([0.9], "pruned", "3rd of 3", healthy("0003")),
        ([0.8], "failed", "CUDA out of memory", None),
        ([math.inf], "doomed", "diverged", alone("diverged")),
        ([0.7], "completed", "", also("unstable")),
    ]
    for number, (values, ending, reason, found) in enumerate(plan):
        journal.suggest(number, lr=0.1, optimizer="sgd" if number in (0, 1) else "adamw")
        training(journal, f"{number:04d}", values, ending, reason, found)
    journal.append("finalists", trials=["0000"], seeds=1)
    keys = {"of": "0000", "nth": 2, "number": 0, "config": {"lr": 0.1}, "origin": "finalist", "seed": 3}
    journal.append("further_seed", trial="0000-2", **keys)
    training(journal, "0000-2", [0.5, 0.25], "completed", "", healthy("0000-2"))
    journal.append("control", trial="control-1", nth=1, config={"lr": 0.1}, seed=1)
    training(journal, "control-1", [0.5], "completed", "", healthy("control-1"))
    finding = overfitting()["findings"][0] | {"symptom": "best_at_last_epoch"}
    journal.append("sweep_finding", finding=finding).append("night", verdict="REGRESSED", why="worse", state="whole")
    journal.end()
    uri = tracking.default_uri(folder / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tuner.tracking.interest.BEST", 3)
        state = tracking.track(journal.directory, uri, "digits", "top")
    assert state.complete and state.experiment_id is not None
    return uri, state.experiment_id


def test_every_recipe_has_its_expectation_and_there_are_a_dozen() -> None:
    assert set(recipes()) == set(EXPECTED)
    assert len(EXPECTED) > 11


@pytest.mark.parametrize("says", EXPECTED)
def test_a_recipe_finds_what_it_says(store: tuple[str, str], says: str) -> None:
    from mlflow.tracking.client import MlflowClient

    uri, experiment = store
    found = {run.info.run_name for run in MlflowClient(uri).search_runs([experiment], recipes()[says])}
    assert found == set(EXPECTED[says].split())


def test_the_page_names_every_tag_and_metric_that_is_there(store: tuple[str, str]) -> None:
    from mlflow.tracking.client import MlflowClient

    uri, experiment = store
    page = PAGE.read_text(encoding="utf-8")
    known = {
        re.sub(r"(METRIC|SYMPTOM|NAME|PACKAGE|ENDING|\*).*", "", name) for name in re.findall(r"`([^`\s]+)`", page)
    }
    runs = MlflowClient(uri).search_runs([experiment])
    tags = {name for run in runs for name in run.data.tags if name.startswith("tuner.")}
    metrics = {name for run in runs for name in run.data.metrics}
    assert {"tuner.verdict", "best_val_loss"} <= tags | metrics
    starts = tuple(name for name in known if name.endswith((".", "_")) and len(name) > 4)
    assert {name for name in tags | metrics if name not in known and not name.startswith(starts)} == set()


def test_the_views_and_the_primary_metric_are_tags_of_the_experiment(store: tuple[str, str]) -> None:
    from mlflow.tracking.client import MlflowClient

    uri, experiment = store
    tags = MlflowClient(uri).get_experiment(experiment).tags
    assert tags["mlflow.experiment.primaryMetric.name"] == "best_val_loss"
    assert "Trials, best first" in tags["mlflow.sharedViewState.tuner"]
    assert "Trials by verdict" in tags["mlflow.sharedViewState.tuner-verdicts"]
    assert tags["mlflow.experimentKind"] == "custom_model_development"


def test_an_experiments_kind_that_somebody_chose_stays(store: tuple[str, str], tmp_path: Path) -> None:
    from mlflow.tracking.client import MlflowClient

    from tuner.tracking.mlflow_store import MlflowStore
    from tuner.tracking.view import KIND

    client = MlflowClient(store[0])
    chosen = client.create_experiment("chosen", tags={KIND: "classification"})
    MlflowStore(store[0], tmp_path).tag_experiment(chosen, {KIND: "custom_model_development", "a": "b"})
    assert client.get_experiment(chosen).tags.items() >= {KIND: "classification", "a": "b"}.items()


def test_a_trial_without_its_curve_is_read_with_its_best_value(store: tuple[str, str]) -> None:
    trials = {trial.trial: trial for trial in tracking.read_sweep(store[0], "digits").record.trials}
    assert (trials["0003"].value, trials["0003"].best_epoch, trials["0003"].epochs) == (0.9, 1, ())
    assert (trials["0000"].value, len(trials["0000"].epochs)) == (0.1, 5)
