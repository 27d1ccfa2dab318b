"""Where a trial's workers are placed: on any node with room, but for those that the controller wants avoided.

Ray has no "rather not there"; it has labels that a node must or must not have, and each node's own name is one. So
placement groups ask for other nodes while any other could ever hold a trial, and for any node otherwise. What runs on
an avoided node goes on there. A group that was asked for earlier and has no worker yet is asked for anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ray
from ray import tune
from ray.util.placement_group import PlacementGroup, placement_group

from tuner.launch.cluster import TrialResources, room

NODE = "ray.io/node-id"
"""Ray's label of each node."""


class Places(tune.PlacementGroupFactory):  # type: ignore[misc]
    """A trial's bundles. Tune pickles and copies its requests, so what is avoided stands in the class: one driver, one
    set of nodes."""

    avoided: ClassVar[tuple[str, ...]] = ()
    """Whole names of nodes."""

    def to_placement_group(self) -> PlacementGroup:
        if not Places.avoided:
            return super().to_placement_group()
        others = {NODE: f"!in({','.join(Places.avoided)})"}
        return placement_group(self.bundles, self.strategy, bundle_label_selector=[others] * len(self.bundles))


def avoid(names: Sequence[str], resources: TrialResources, tune_controller: Any) -> None:
    """From now on workers start on other nodes than these (the first letters of their names), as far as that leaves
    room for a trial at all."""
    if not names and not Places.avoided:
        return
    nodes = [node for node in ray.nodes() if node["Alive"]]
    bad = tuple(sorted(node["NodeID"] for node in nodes if node["NodeID"].startswith(tuple(names))))
    if bad and not room(resources, [node for node in nodes if node["NodeID"] not in bad]):
        bad = ()
    if bad == Places.avoided:
        return
    Places.avoided = bad
    _ask_again(tune_controller._actor_manager._resource_manager)


def _ask_again(manager: Any) -> None:
    """Tune keeps requests by what they ask for, and has a group for each that waits."""
    for request, staged in list(manager._request_to_staged_pgs.items()):
        waiting = len(staged) + len(manager._request_to_ready_pgs[request])
        for _ in range(waiting):
            manager.cancel_resource_request(request)
        for _ in range(waiting):
            manager.request_resources(request)
