"""The proof, before anything starts, that every node sees where the run is kept: a file written here and read there,
and the other way round. On the driver's own machine there is nothing to prove. A node that comes later is looked at by
its first worker.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuner.errors import RunError
from tuner.launch.cluster import TrialResources, holds_any, is_there
from tuner.records.storage import Storage
from tuner.training.plan import TrainingPlan

PATIENCE_SECONDS = 120.0
"""For all nodes together; a node that starts its first process takes some seconds."""
_FOLDER = "proof"


def prove(plan: TrainingPlan, resources: TrialResources) -> None:
    """Raises RunError with each node that does not see the run directory, or the storage, and with the cure."""
    here = ray.get_runtime_context().get_node_id()
    nodes = [node for node in ray.nodes() if node["Alive"] and holds_any(resources, node)]
    others = [node for node in nodes if node["NodeID"] != here]
    if not others:
        return
    where = plan.remote or str(Path(plan.checkpoints_dir).parent)
    token = os.urandom(8).hex()
    place = _Place(where)
    place.put(f"{_FOLDER}/driver", token.encode())
    try:
        blind = _blind(others, place, token)
    finally:
        place.clear()
    if blind:
        raise RunError(_message(blind, where, remote=plan.remote is not None))


def unseen(plan: TrainingPlan) -> str | None:
    """In a worker, before it writes anything: why its node cannot train, or None. A storage says so by itself."""
    run = Path(plan.checkpoints_dir).parent
    if plan.remote is not None or run.is_dir():  # it must not be made here
        return None
    return f"{socket.gethostname()} has no folder {run}: every node has to see it"


class _Place:
    """A folder or a URI."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._storage = Storage(where if "://" in where else Path(where).as_uri())

    def put(self, name: str, content: bytes) -> None:
        self._storage.put(name, content)

    def get(self, name: str) -> bytes | None:
        return self._storage.get(name)

    def clear(self) -> None:
        self._storage.delete_folder(_FOLDER)
        if "://" not in self.where:
            Path(self.where, _FOLDER).rmdir()


def look(where: str, token: str, answer: str) -> str:
    """On a node: read what the driver wrote, and answer it. Returns what is wrong, or nothing."""
    try:
        if "://" not in where and not Path(where).is_dir():  # it must not be made here
            return "has no such folder"
        place = _Place(where)
        found = place.get(f"{_FOLDER}/driver")
        if found != token.encode():
            return "has another folder of that name" if found is None else "reads another content there"
        place.put(f"{_FOLDER}/{answer}", token.encode())
    except Exception as error:  # whatever it is, the user is to be told of it with the node's name
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def _blind(nodes: list[Mapping[str, Any]], place: _Place, token: str) -> dict[str, str]:
    """Node -> what is wrong with it."""
    task = ray.remote(num_cpus=0, max_retries=0)(look)
    asked = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked[task.options(scheduling_strategy=there).remote(place.where, token, node["NodeID"])] = node
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_SECONDS)
    blind = {
        _name(asked[one]): f"did not answer within {PATIENCE_SECONDS:g} s" for one in silent if is_there(asked[one])
    }
    for one in answered:
        try:
            wrong = ray.get(one)
        except ray.exceptions.RayError as error:
            if not is_there(asked[one]):  # a node that is gone has nothing to see
                continue
            wrong = f"{type(error).__name__}: {error}".splitlines()[0]
        if not wrong and place.get(f"{_FOLDER}/{asked[one]['NodeID']}") != token.encode():
            wrong = "wrote a file that is not seen here"
        if wrong:
            blind[_name(asked[one])] = wrong
    return blind


def _name(node: Mapping[str, Any]) -> str:
    return f"node {node['NodeManagerAddress']} ({node['NodeID'][:8]})"


def _message(blind: Mapping[str, str], where: str, *, remote: bool) -> str:
    told = "; ".join(f"{name}: {why}" for name, why in sorted(blind.items()))
    cure = (
        "give each node the credentials and the way to it, by environment"
        if remote
        else "name a folder that is mounted on every node (--runs), or keep runs on `storage: s3://BUCKET/FOLDER`"
    )
    return f"{where} is not seen by every node as it is by the driver on {socket.gethostname()}: {told}: {cure}"
