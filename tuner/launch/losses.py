"""What a lost worker was lost to: its own death, its node's, or a pre-emption that Ray or the node's label tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from tuner.launch.cluster import is_there
from tuner.launch.evictions import Evicted
from tuner.launch.worker import HelperLost
from tuner.records.epochs import EVICTED, LOST, PREEMPTED

MARKET = "ray.io/market-type"
"""Ray's label of a node for how it was bought; `spot` may be taken away at any time, with a word or without one."""
SPOT = "spot"


@dataclass(frozen=True, slots=True)
class Loss:
    """`kind`: `lost`, `evicted` or `preempted`."""

    kind: str
    why: str
    node: str | None = None
    node_gone: bool = False


def loss_of(error: BaseException | None, node: str | None, taken: set[str]) -> Loss:
    """What Tune has noted of a trial whose actor is gone; `node` is where it last reported from, if it did. `taken`:
    nodes that were found to have been taken away; Ray forgets that it was told as soon as it sees them dead."""
    if isinstance(error, Evicted):
        return Loss(EVICTED, _reason(error), node)
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, HelperLost):
        if cause.evicted:
            return Loss(EVICTED, cause.why, cause.node)
        return _by_node(f"{type(cause).__name__}: {cause.why}", cause.node, taken)
    if cause is None:
        return _by_node("its actor died", node, taken)
    told = f"{type(cause).__name__}: {_reason(cause)}"
    node = node or node_of_actor(error)
    if node is not None and getattr(error, "preempted", False):
        taken.add(node)
    return _by_node(told, node, taken)


def _by_node(why: str, node: str | None, taken: set[str]) -> Loss:
    """With what the cluster knows of the node."""
    known = _node(node, ray.nodes())
    gone = known is not None and not is_there(known)
    if known is not None and node is not None and gone:
        if _taken_away(known):
            taken.add(node)
        why = f"node {node} {'was taken away' if node in taken else 'is gone'}: {why}"
    return Loss(PREEMPTED if node in taken else LOST, why, node, gone)


def node_of_actor(error: BaseException | None) -> str | None:
    """The node of an actor that died before its first report."""
    actor_id = getattr(error, "actor_id", None)
    if actor_id is None:
        return None
    from ray._private.state import actors  # the public state API needs the dashboard

    node = actors(actor_id).get("Address", {}).get("NodeID", "")
    return str(node)[:8] or None


def _node(name: str | None, nodes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((node for node in nodes if name is not None and node["NodeID"].startswith(name)), None)


def _taken_away(node: Mapping[str, Any]) -> bool:
    """Of a node that is gone: whether its end was announced to Ray, or might come without a word."""
    from ray._private.state import state  # the public state API needs the dashboard

    labels: Mapping[str, str] = node.get("Labels") or {}
    return labels.get(MARKET) == SPOT or node["NodeID"] in state.get_draining_nodes()


def _reason(error: BaseException) -> str:
    """Ray's own reason, where it has one: it stands below a general line and rows of names."""
    told = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
    return told[min(1, len(told) - 1)].partition(" Some common causes include")[0] if told else ""
