"""Whether a cluster starts nodes by itself, and which: what Ray's autoscaler says of itself.

Ray has two of them. The first leaves a status in the cluster's store, the second reports to the head, which passes it
on. A cluster that was started by hand has a monitor too, which only looks on: it calls each node's type after the
node, and no node has a cloud's name for it. The types that could be started stand in the cluster's configuration,
where the head has been told it (Anyscale, KubeRay), or in the file that the head's monitor was started with, which a
driver on the head can read. Nobody else tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import yaml
from ray._private import ray_constants, state
from ray.autoscaler._private.util import format_readonly_node_type
from ray.autoscaler.v2.utils import is_autoscaler_v2
from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply
from ray.experimental.internal_kv import _internal_kv_get, internal_kv_get_gcs_client

ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class NodeType:
    """Nodes that the autoscaler may start."""

    name: str
    resources: Mapping[str, float]
    most: int
    """Of such nodes at once."""


@dataclass(frozen=True, slots=True)
class Autoscaler:
    types: tuple[NodeType, ...] | None
    """None where nobody tells."""


def find() -> Autoscaler | None:
    """The autoscaler of the cluster that this process has joined; None where its nodes are there for good."""
    told = state.state.get_cluster_config()
    if told is not None and told.node_group_configs:
        groups = [(one.name, dict(one.resources), one.max_count) for one in told.node_group_configs]
        return Autoscaler(tuple(NodeType(name, has, 10**6 if most < 0 else most) for name, has, most in groups if most))
    path = _configuration(ray.get_runtime_context().gcs_address)
    if path is not None:
        return Autoscaler(types_in(path.read_text(encoding="utf-8")) if path.is_file() else None)
    grows = _second_starts_nodes(_status()) if is_autoscaler_v2() else _first_starts_nodes(_first_status())
    return Autoscaler(None) if grows else None


def refuses(group: str) -> bool:
    """Whether the autoscaler says that no node which it could start now has room for this placement group (its id in
    hex). Only the second one does."""
    if not is_autoscaler_v2():
        return False
    try:
        refused = _status().autoscaling_state.infeasible_gang_resource_requests
    except ray.exceptions.RpcError:  # the head is busy: nothing is known
        return False
    return any(asked.details.startswith(group) for asked in refused)


def types_in(configuration: str) -> tuple[NodeType, ...] | None:
    """The worker types of a file for Ray's cluster launcher; None where it names no resources."""
    content = yaml.safe_load(configuration)
    most = int(content.get("max_workers", 2))  # Ray's own default
    workers = {
        name: kind
        for name, kind in content.get("available_node_types", {}).items()
        if name != content.get("head_node_type")
    }
    if not all(kind.get("resources") for kind in workers.values()):  # Ray will find out when it starts one
        return None
    found = (
        NodeType(name, kind["resources"], min(int(kind.get("max_workers", most)), most))
        for name, kind in workers.items()
    )
    return tuple(kind for kind in found if kind.most > 0)


def _configuration(gcs: str) -> Path | None:
    """The file of the monitor that runs on this machine for the cluster, as its command line names it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # gone, or another user's
            continue
        path = monitor_configuration(words, gcs)
        if path is not None:
            return path
    return None


def monitor_configuration(words: Sequence[str], gcs: str) -> Path | None:
    """From the words of a process's command line, where it is the monitor of the cluster at `gcs`."""
    if f"--gcs-address={gcs}" not in words or not any(word.endswith("monitor.py") for word in words):
        return None
    named = [word.partition("=")[2] for word in words if word.startswith("--autoscaling-config=")]
    return Path(named[0]).expanduser() if named and named[0] else None


def _first_status() -> Mapping[str, Any]:
    written = _internal_kv_get(ray_constants.DEBUG_AUTOSCALING_STATUS)
    status: Mapping[str, Any] = json.loads(written) if written else {}
    return status


def _first_starts_nodes(status: Mapping[str, Any]) -> bool:
    """A monitor that only looks on has no types but the nodes themselves."""
    report = status.get("autoscaler_report") or {}
    types = {*report.get("active_nodes", {}), *(report.get("idle_nodes") or {}), *report.get("pending_launches", {})}
    nodes = {format_readonly_node_type(node["NodeID"]) for node in ray.nodes()}
    return bool(types - nodes)


def _status() -> Any:
    reply = GetClusterStatusReply()
    reply.ParseFromString(internal_kv_get_gcs_client().get_cluster_status(timeout_s=ANSWER_SECONDS))
    return reply


def _second_starts_nodes(status: Any) -> bool:
    """It has reported, and nodes have the names that a cloud gave them."""
    reported = status.autoscaling_state.autoscaler_state_version > 0
    return reported and any(node.instance_id for node in status.cluster_resource_state.node_states)
