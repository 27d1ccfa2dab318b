"""Manifests for Kubernetes 1.29 or later: a volume, the night's CronJob, and that of the dead man's switch.

Source  Kubernetes API reference, batch/v1 CronJob; "Pod failure policy"; robfig/cron on times that clocks jump over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import yaml

from tuner.nightly.schedule.plan import GRACE_SECONDS, Schedule

IMAGE = "REGISTRY/IMAGE:TAG"
VOLUME = "/nights"
RUNS = f"{VOLUME}/runs"  # the default MLflow store lies beside the runs: on the volume too
_MLFLOW_SECRETS = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
_CARRIED = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "RAY_ADDRESS")  # the others name folders of this machine
_START_WITHIN_SECONDS = 4 * 3600
_NIGHTS = {"name": "nights", "mountPath": VOLUME}


def text(schedule: Schedule) -> str:
    """Three documents, and above them what has to be there."""
    name = f"tuner-{schedule.label}"
    schedule = _in_the_image(schedule)
    documents = [_claim(name), _night(schedule, name), _check(schedule, name)]
    return "\n".join([*_head(schedule, name), *(f"---\n{_yaml(document)}" for document in documents)])


def literal(word: str) -> str:
    """A word of `command` or the value of a variable: `$(NAME)` would be replaced, and `$$` is one dollar sign."""
    return word.replace("$", "$$")


def _head(schedule: Schedule, name: str) -> list[str]:
    secrets = " ".join(f"--from-literal={variable}=..." for variable in schedule.withheld)
    rows = [
        f"# The nightly sweep {schedule.label}, for Kubernetes 1.29 or later: kubectl apply -f FILE",
        f"# The image ({schedule.image or IMAGE}) holds tuner and, in its WORKDIR, the sweep, your modules and data.",
        f"# Run directories, the history and the default MLflow store lie on the volume, under {VOLUME}.",
        "# It is mounted by one node at a time; where your cluster has it, ReadWriteMany lets the check run elsewhere.",
        f"# Secrets, MLflow's too: kubectl create secret generic {name} {secrets}".rstrip(),
        "# Exit codes 1 to 4 (4: REGRESSED) fail the Job and are not retried. A pod that its node lost (drained,",
        "# preempted) is started again and resumes the night.",
    ]
    return [*rows, *(f"# {sentence}" for sentence in schedule.left_out)]


def _in_the_image(schedule: Schedule) -> Schedule:
    """The same with its runs on the volume, and a sweep inside the folder named from there."""
    sweep = Path(schedule.sweep)
    inside = sweep.is_absolute() and sweep.is_relative_to(schedule.folder)
    named = sweep.relative_to(schedule.folder).as_posix() if inside else schedule.sweep
    return replace(schedule, runs=RUNS, sweep=named)


def _night(schedule: Schedule, name: str) -> dict[str, Any]:
    deadline = {} if schedule.deadline_seconds is None else {"activeDeadlineSeconds": schedule.deadline_seconds}
    gpu = {"nvidia.com/gpu": math.ceil(schedule.gpu)} if schedule.gpu else {}
    container = {
        **_container(schedule, schedule.night),
        "env": _variables(schedule, name),
        "resources": {
            "requests": {"cpu": "4", "memory": "16Gi", **gpu},
            "limits": {"memory": "16Gi", **gpu},
        },
        "volumeMounts": [_NIGHTS, {"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [container],
        # Ray's object store and PyTorch's loaders share memory there; a container has 64 MiB of it by itself.
        "volumes": [_volume(name), {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}],
    }
    return _cron_job(schedule, name, schedule.start, deadline, pod)


def _check(schedule: Schedule, name: str) -> dict[str, Any]:
    container = {
        **_container(schedule, schedule.check),
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [_NIGHTS],
    }
    pod = {"containers": [container], "volumes": [_volume(name)]}
    return _cron_job(schedule, f"{name}-stale", schedule.check_at, {"activeDeadlineSeconds": 1800}, pod)


def _container(schedule: Schedule, words: Sequence[str]) -> dict[str, Any]:
    command = ("python", *words)
    return {
        "name": "tuner",
        "image": _Text(schedule.image or IMAGE),
        "command": [_Text(literal(word)) for word in command],
    }


def _volume(name: str) -> dict[str, Any]:
    return {"name": "nights", "persistentVolumeClaim": {"claimName": name}}


def _cron_job(schedule: Schedule, name: str, at: time, deadline: dict[str, Any], pod: dict[str, Any]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "tuner", "app.kubernetes.io/instance": name}
    job = {
        "backoffLimit": 0,
        **deadline,
        "podFailurePolicy": _failures(),
        "template": {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", **pod}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "schedule": f"{at.minute} {at.hour} * * *",
            "timeZone": schedule.time_zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _START_WITHIN_SECONDS,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 7,
            "jobTemplate": {"spec": job},
        },
    }


def _failures() -> dict[str, Any]:
    """In this order: a pod whose node is drained ends with a code of ours too, and is to go on elsewhere."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": "tuner", "operator": "In", "values": [1, 2, 3, 4]},
            },
        ]
    }


def _variables(schedule: Schedule, secret: str) -> list[dict[str, Any]]:
    given = {name: value for name, value in schedule.carried.items() if name in _CARRIED and _reaches(name, value)}
    kept = [name for name in dict.fromkeys((*schedule.withheld, *_MLFLOW_SECRETS)) if name not in given]
    return [
        *({"name": name, "value": _Text(literal(value))} for name, value in given.items()),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name, "optional": True}}}
            for name in kept
        ),
    ]


def _reaches(name: str, value: str) -> bool:
    """Whether a pod can use it: an MLflow store in a file of this machine it cannot."""
    return name != "MLFLOW_TRACKING_URI" or value.startswith(("http://", "https://", "databricks"))


def _claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "tuner"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}},
    }


class _Text(str):
    """A string that is always quoted: Kubernetes reads YAML by other rules than the writer (`y`, `1e3`, `0o7`)."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (the writer's hook)
        return True


_Dumper.add_representer(
    _Text, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style='"')
)


def _yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
