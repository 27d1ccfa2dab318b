"""On a cluster that grows, and has no node yet that could hold a trial: ask for one, and wait.

What is asked for is a placement group of one trial's bundles, which an autoscaler sees and which goes with its driver.
It is kept until the sweep asks for places of its own: an idle node might be gone by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from ray.util.placement_group import placement_group, remove_placement_group

from tuner.control.controller import Controller
from tuner.errors import InputError, RunError
from tuner.launch import autoscaler
from tuner.launch.cluster import TrialResources, faults_of, slots
from tuner.launch.room import fitting

WAIT_SECONDS = 900.0
"""A cloud's node takes two to ten minutes, with its set-up commands."""
REFUSED_SECONDS = 30.0
"""An autoscaler that says for so long that it has no node for a trial means it."""
LOOK_SECONDS = 1.0


class Place(Protocol):
    """What was asked for."""

    def wait(self, seconds: float) -> bool:
        """Whether it is there."""

    def refused(self) -> bool:
        """Whether the autoscaler says that it can start no node for it."""

    def give_back(self) -> None: ...


class _Group:
    def __init__(self, resources: TrialResources) -> None:
        self._group = placement_group(resources.bundles(), strategy="PACK")

    def wait(self, seconds: float) -> bool:
        there: bool = self._group.wait(timeout_seconds=seconds)
        return there

    def refused(self) -> bool:
        return autoscaler.refuses(self._group.id.hex())

    def give_back(self) -> None:
        remove_placement_group(self._group)


@contextmanager
def held(controller: Controller, resources: TrialResources, on_step: Callable[[], None]) -> Iterator[None]:
    """Inside, the cluster has room for a trial, or the sweep was stopped while it waited for that.

    Raises InputError where no node could ever hold a trial, RunError where none came in time.
    """
    place = _asked(resources)
    try:
        if place is not None:
            await_place(place, controller, resources, on_step)
        yield
    finally:
        if place is not None:
            place.give_back()


def _asked(resources: TrialResources) -> Place | None:
    """None where there is room."""
    if fitting(resources):
        return None
    grows = autoscaler.find()
    if grows is None:
        slots(resources)  # which says why not
        return None
    if grows.types is not None:
        check_types(resources, grows.types)
    return _Group(resources)


def check_types(resources: TrialResources, types: tuple[autoscaler.NodeType, ...]) -> None:
    """Raises InputError where nodes of these types could never hold a trial, as many as there may be."""
    nodes = [{"Resources": kind.resources} for kind in types for _ in range(min(kind.most, resources.workers))]
    faults = faults_of(resources, nodes, f"{len(types)} node types that this cluster may start")
    if faults:
        raise InputError("no node that this cluster may start can run a trial", faults)


def await_place(
    place: Place,
    controller: Controller,
    resources: TrialResources,
    on_step: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Until it is there, or the sweep is stopped. Raises RunError when nothing comes."""
    asked = asked_text(resources)
    says = f"waiting for a node that can hold a trial: {asked}; at most {WAIT_SECONDS / 60:g} minutes"
    controller.tell({"kind": "waiting", "says": says})
    began = clock()
    refused_since: float | None = None
    while not place.wait(LOOK_SECONDS):
        on_step()
        controller.silent_trials()  # which looks at the sweep's own clock, too
        if controller.stopping is not None:
            return
        now = clock()
        refused_since = None if not place.refused() else now if refused_since is None else refused_since
        if refused_since is not None and now - refused_since >= REFUSED_SECONDS:
            raise RunError(
                f"the cluster's autoscaler has no node for a trial: {asked}: give one of its node types what a trial "
                "asks for and room for a further node (max_workers), or ask for less (resources)"
            )
        if now - began >= WAIT_SECONDS:
            raise RunError(
                f"no node that can hold a trial came within {WAIT_SECONDS / 60:g} minutes: {asked}: see `ray status` "
                "and the head's monitor.log for why (no capacity, a quota, max_workers, a faulty set-up command), or "
                "ask for less (resources)"
            )


def asked_text(resources: TrialResources) -> str:
    """`1 GPU, 4 CPU`; of several workers `2 × (1 GPU, 4 CPU)`."""
    bundle = resources.bundle()
    told = ", ".join(_one(name, bundle[name]) for name in sorted(bundle, key=lambda name: name != "GPU"))
    return told if resources.workers == 1 else f"{resources.workers} × ({told})"


def _one(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / 2**30:g} GiB memory"
    if name.startswith("accelerator_type:"):
        return name.removeprefix("accelerator_type:")
    return f"{amount:g} {name}"
