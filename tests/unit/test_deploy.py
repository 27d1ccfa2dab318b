"""cluster.yaml against Ray's own schema, the manifests against KubeRay's, and both against what the docs promise."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
CRDS: dict[str, Any] = json.loads(gzip.decompress((ROOT / "tests" / "data" / "kuberay" / "crds.json.gz").read_bytes()))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RAY = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)[0]
WHEEL = f"tuner-{PROJECT['version']}-py3-none-any.whl"


def read(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def strict(schema: Any) -> Any:
    """The schema as `kubectl apply --validate=strict` takes it: a key that it does not name is a fault."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        made.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields", False)))
    return made


def check(manifest: dict[str, Any]) -> None:
    # no check of the schema itself, which takes ten seconds: it is KubeRay's
    jsonschema.Draft202012Validator(strict(CRDS[manifest["kind"]])).validate(manifest)


CLUSTER = read(ROOT / "cluster.yaml")
TYPES = CLUSTER["available_node_types"]


def test_cluster_yaml_is_one_that_ray_takes() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(jsonschema.ValidationError, match="idle_timeout"):
        validate_config(prepare_config({**CLUSTER, "idle_timeout": 5}))
    validate_config(prepare_config(CLUSTER))


def test_the_head_has_no_trials_and_on_demand_stands_in_for_spot() -> None:
    assert TYPES[CLUSTER["head_node_type"]]["resources"] == {"CPU": 0, "GPU": 0}
    spot, demand = TYPES["gpu-spot"], TYPES["gpu-on-demand"]
    assert spot["node_config"].pop("InstanceMarketOptions") == {"MarketType": "spot"}
    assert (spot["resources"], spot["node_config"]) == (demand["resources"], demand["node_config"])
    assert spot["priority"] > demand["priority"], "Ray's autoscaler (v2) asks the higher first"
    assert spot["min_workers"] == demand["min_workers"] == 0, "an idle cluster costs its head"
    assert CLUSTER["idle_timeout_minutes"] <= 10


@pytest.mark.parametrize("kind", ["gpu-spot", "gpu-on-demand"])
def test_spot_nodes_are_labelled_and_others_are_not(kind: str) -> None:
    start = CLUSTER["worker_start_ray_commands"][-1]
    assert "; ray start " in start
    says = start.partition("; ray start ")[0] + '; echo "market:$RAY_NODE_MARKET_TYPE"'
    named = {"RAY_NODE_TYPE_NAME": kind, "PATH": os.environ["PATH"]}
    shell = ["bash", "-c", says.replace("ulimit -n 65536;", "")]
    done = subprocess.run(shell, env=named, capture_output=True, text=True, check=True)
    assert done.stdout == f"market:{'spot' if kind == 'gpu-spot' else ''}\n"


def test_no_port_is_open_to_the_world_and_jobs_want_the_token() -> None:
    assert all(kind["node_config"]["SecurityGroupIds"] for kind in TYPES.values()), "Ray's own group takes SSH from all"
    assert "0.0.0.0" not in (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    head, worker = CLUSTER["head_start_ray_commands"], CLUSTER["worker_start_ray_commands"]
    (start,) = [line for line in head if "--head" in line]
    assert "--dashboard-host=127.0.0.1" in start
    assert all("RAY_AUTH_MODE=token" in line for line in (*head, *worker) if "ray start" in line)
    assert "--web.listen-address=127.0.0.1:9090" in head[-1]


def test_the_nodes_get_this_version_and_files_that_there_are() -> None:
    assert any(WHEEL in command for command in CLUSTER["setup_commands"])
    mounted = set(CLUSTER["file_mounts"].values())
    assert {"dist", "constraints.txt", "dashboards/prometheus.yml"} <= mounted
    assert [name for name in mounted - {"dist"} if not name.startswith("~") and not (ROOT / name).is_file()] == []
    read(ROOT / "dashboards" / "prometheus.yml")


@pytest.mark.parametrize("name", ["raycluster.yaml", "rayjob.yaml"])
def test_the_manifests_are_ones_that_kuberay_takes(name: str) -> None:
    manifest = read(KUBERNETES / name)
    check(manifest)
    with pytest.raises(jsonschema.ValidationError, match="headGroupSpecs"):
        check({**manifest, "spec": {**manifest["spec"], "headGroupSpecs": {}}})


def test_both_manifests_have_the_same_cluster_with_a_token_and_shared_storage() -> None:
    cluster, job = read(KUBERNETES / "raycluster.yaml")["spec"], read(KUBERNETES / "rayjob.yaml")["spec"]
    assert job["rayClusterSpec"] == cluster
    assert (cluster["rayVersion"], cluster["authOptions"]["mode"]) == (RAY, "token")
    head, *workers = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert [group["groupName"] for group in workers] == ["gpu-spot", "gpu-on-demand"]
    assert workers[0]["priority"] > workers[1]["priority"]
    claim = read(KUBERNETES / "storage.yaml")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for group in (head, *workers):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"].endswith(f"/tuner:{PROJECT['version']}")
        assert "/runs" in [mount["mountPath"] for mount in container["volumeMounts"]]
        claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]]
        assert claim["metadata"]["name"] in claims


def test_the_image_has_this_version_and_ray_s() -> None:
    text = (KUBERNETES / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^FROM rayproject/ray:([\d.]+)-", text, re.MULTILINE) == [RAY]
    assert text.count(WHEEL) == 2


def test_the_job_s_command_is_one_that_there_is() -> None:
    from typer.testing import CliRunner

    from tuner.cli import app

    python, flag, package, *words = shlex.split(read(KUBERNETES / "rayjob.yaml")["spec"]["entrypoint"])
    assert (python, flag, package, words[0]) == ("python", "-m", "tuner", "run")
    assert CliRunner().invoke(app(), [*words, "--help"]).exit_code == 0
