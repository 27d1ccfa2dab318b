"""The manifests: against Kubernetes' own schemas, and word for word as a container gets them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import example, given
from schedule_kit import make, schedules

from tuner.nightly.schedule import Schedule, printed

OLDEST = "1.29.0"  # before, the schema asks a rule on exit codes for pod conditions as well


def documents(schedule: Schedule) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(printed("kubernetes", schedule)))


def container(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return only


def expanded(word: str) -> str:
    """Kubernetes' own: `$(NAME)` is a variable's value, `$$` one dollar sign, any other dollar sign itself."""
    assert not re.search(r"\$\(", word.replace("$$", "")), "a variable"
    return word.replace("$$", "$")


@given(schedules())
@example(make(arguments=("--set", "x=$(HOME)", "--set", "y=$$(A)"), sweep="y"))
@example(make(arguments=("--set", "1e3", "--set", "0o17", "--set", "on")))
def test_every_word_arrives(schedule: Schedule) -> None:
    _, night, check = documents(schedule)
    runs = ["--runs", "/nights/runs"]
    sent = ["python", "-m", "tuner", "nightly", schedule.sweep, *schedule.arguments, *runs]
    assert [expanded(word) for word in container(night)["command"]] == sent
    asked = ["python", "-m", "tuner", "nights", schedule.sweep, "--stale", "26h", *runs]
    assert [expanded(word) for word in container(check)["command"]] == asked


def test_words_are_quoted_for_readers_with_other_rules_of_yaml() -> None:
    text = printed("kubernetes", make(sweep="y", arguments=("--set", "1e3")))
    assert {'- "y"', '- "1e3"'} <= {row.strip() for row in text.splitlines()}


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_accepts_the_manifests(version: str) -> None:
    schedule = make(
        name="Größe, $HOME & a name that is longer than a CronJob's may be",
        arguments=("--set", "x=100% 'a' $(b)"),
        environment={"MLFLOW_TRACKING_URI": "https://mlflow.example", "MLFLOW_EXPERIMENT_NAME": "nächte"},
        image="registry.example/team/tuner:1.0",
        gpu=0.5,
    )
    made = documents(schedule)
    assert [document["kind"] for document in made] == ["PersistentVolumeClaim", "CronJob", "CronJob"]
    for document in made:
        kubernetes_validate.validate(document, version, strict=True)
        name = document["metadata"]["name"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 52


def test_kubernetes_would_have_complained() -> None:
    _, night, _ = documents(make())
    night["spec"]["concurrency"] = "Forbid"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(night, kubernetes_validate.latest_version(), strict=True)


def test_a_regressed_night_is_not_started_again_and_a_drained_node_costs_none() -> None:
    _, night, _ = documents(make(hours=6.0))
    job = night["spec"]["jobTemplate"]["spec"]
    drained, ours = job["podFailurePolicy"]["rules"]
    assert job["backoffLimit"] == 0
    assert (drained["action"], ours["action"]) == ("Ignore", "FailJob")
    assert 4 in ours["onExitCodes"]["values"]
    assert ours["onExitCodes"]["containerName"] == container(night)["name"]
    assert job["template"]["spec"]["restartPolicy"] == "Never", "or there is no podFailurePolicy"
    assert job["activeDeadlineSeconds"] == 7 * 3600
    assert night["spec"]["concurrencyPolicy"] == "Forbid"


def test_secrets_come_from_a_secret_and_a_store_of_this_machine_stays_here() -> None:
    local = documents(make(environment={"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "TUNER_DATA": "/data"}))[1]
    variables = {entry["name"]: entry for entry in container(local)["env"]}
    assert "TUNER_DATA" not in variables
    for name in ("SLACK_WEBHOOK", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD"):
        reference = {"name": "tuner-digits-mlp", "key": name, "optional": True}
        assert variables[name]["valueFrom"] == {"secretKeyRef": reference}
    remote = documents(make(environment={"MLFLOW_TRACKING_URI": "https://mlflow.example/$x"}))[1]
    values = {entry["name"]: entry.get("value") for entry in container(remote)["env"]}
    assert values["MLFLOW_TRACKING_URI"] == "https://mlflow.example/$$x"


def test_a_sweep_inside_the_folder_is_named_from_there() -> None:
    folder = Path("/nowhere/project")
    _, night, check = documents(make(folder=folder, sweep=str(folder / "sweeps" / "a.yaml")))
    assert container(night)["command"][4] == container(check)["command"][4] == "sweeps/a.yaml"


def test_a_gpu_is_asked_for_where_a_trial_has_a_share_of_one() -> None:
    with_gpu, without = documents(make(gpu=0.25))[1], documents(make())[1]
    assert container(with_gpu)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in container(without)["resources"]["limits"]
