"""Connecting to Ray, and what its nodes can give."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from tuner.errors import Fault, InputError, RunError
from tuner.launch.dashboard import warn_of_open_dashboard
from tuner.launch.jobs import TOKEN_CURE

_WORKER_ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # paths in a sweep file mean the same in a worker as in the driver
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours stops cleanly
}
_DRIVER_ENVIRONMENT = _WORKER_ENVIRONMENT | {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # half of a short trial's cost (docs/log.md)
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),  # no snapshots of Tune's: the journal is the truth
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "5",  # a clean stop does not wait for a long epoch to end
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True, slots=True)
class TrialResources:
    """What each worker of a trial asks a node for, and how many of them a trial has."""

    cpu: float = 1.0
    gpu: float = 0.0
    memory: int = 0
    """Bytes; 0: not asked for."""
    accelerator: str | None = None
    """Ray's name of an accelerator, such as `A100`."""
    workers: int = 1
    custom: tuple[tuple[str, float], ...] = ()
    """Names and amounts of resources that the cluster's owner gave to nodes."""

    def bundles(self) -> list[dict[str, float]]:
        """Of one trial: they may lie on several nodes."""
        return [self.bundle() for _ in range(self.workers)]

    def bundle(self) -> dict[str, float]:
        out = {"CPU": self.cpu}
        if self.gpu:
            out["GPU"] = self.gpu
        if self.memory:
            out["memory"] = float(self.memory)
        if self.accelerator:
            out[f"accelerator_type:{self.accelerator}"] = 0.001
        return out | dict(self.custom)


@contextmanager
def connected(address: str | None, *, cpus: int | None = None) -> Iterator[None]:
    """Ray, started on this machine (`address` None or `local`) or joined at `address`; left as it was found.

    Raises RunError where no cluster answers, InputError where there is no token that can be read.
    """
    os.environ.update({name: os.environ.get(name, value) for name, value in _DRIVER_ENVIRONMENT.items()})
    import ray  # here, so that the environment above is in force when ray reads it

    if ray.is_initialized():
        yield
        return
    local = address in (None, "local")
    logging.getLogger("ray").setLevel(logging.ERROR)  # what it says at each start is not for our users
    alone = {"num_cpus": cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        loopback = local or _on_loopback_alone(str(address))
        with _own_sigterm(), _loopback_kept() if loopback else nullcontext():
            joined = ray.init(
                address="local" if local else address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                **(alone if local else {"runtime_env": {"env_vars": _WORKER_ENVIRONMENT}}),
            )
    except ray.exceptions.AuthenticationError as error:
        fault = Fault("RAY_AUTH_MODE", os.environ.get("RAY_AUTH_MODE"), TOKEN_CURE)
        raise InputError(f"no token for Ray: {error.message}", (fault,)) from error
    except (ConnectionError, RuntimeError, ValueError) as error:
        cure = "" if local else f"; if it wants a token, {TOKEN_CURE}"  # Ray only says that it could not connect
        raise RunError(f"no Ray cluster at {address or 'this machine'}: {error}{cure}") from error
    try:
        if not local:
            warn_of_open_dashboard(joined.address_info.get("webui_url"))
        yield
    finally:
        ray.shutdown()


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keeps who is told of SIGTERM. `ray.init` lets it end the process at once, and our stop is a clean one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _on_loopback_alone(address: str) -> bool:
    """Whether a cluster named by 127.0.0.1 listens there and not at the machine's own address, where Ray would go."""
    host, _, port = address.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdigit():
        return False
    from ray.util import get_node_ip_address

    return answers("127.0.0.1", int(port)) and not answers(get_node_ip_address(), int(port))


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=2.0):
            return True
    except OSError:
        return False


def is_there(node: Mapping[str, Any]) -> bool:
    """Of a node of `ray.nodes()`. Ray takes a while to notice that one is gone; its own process there answers no longer
    at once."""
    return bool(node["Alive"]) and answers(node["NodeManagerAddress"], node["NodeManagerPort"])


@contextmanager
def _loopback_kept() -> Iterator[None]:
    """Lets a Ray of our own listen on 127.0.0.1 alone, and a cluster that does be found there.

    Ray replaces that address by the machine's own, so that other nodes could join, and then listens on all interfaces
    (`ray._private.services.resolve_ip_for_localhost`). Where a later Ray has no such function it is left as it is; a
    test looks at the address.
    """
    from ray._private import services

    replaced = getattr(services, "resolve_ip_for_localhost", None)
    if replaced is None:
        yield
        return
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield
    finally:
        services.resolve_ip_for_localhost = replaced


def slots(resources: TrialResources) -> int:
    """How many trials of this size the cluster's nodes hold together, now; a trial's workers may be on several.

    Raises InputError where no node could ever hold one.
    """
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    faults = faults_of(resources, nodes, f"{len(nodes)} nodes")
    if faults:
        raise InputError("no node of this cluster can run a trial", faults)
    return room(resources, nodes)


def faults_of(resources: TrialResources, nodes: Sequence[Mapping[str, Any]], called: str) -> tuple[Fault, ...]:
    """Why these nodes cannot hold a trial together; nothing where they can."""
    total = _workers(resources, nodes)
    if total == 0:
        return _why_not(resources.bundle(), nodes, called)
    if total < resources.workers:
        cure = f"there is room for {total} of such workers on {called}: ask for no more, or for less for each of them"
        return (Fault("resources.workers", resources.workers, cure),)
    return ()


def holds_any(resources: TrialResources, node: Mapping[str, Any]) -> bool:
    """Whether a worker of a trial fits on the node at all."""
    return _fit(resources.bundle(), node["Resources"]) > 0


def room(resources: TrialResources, nodes: Sequence[Mapping[str, Any]]) -> int:
    """How many trials of this size these nodes (of `ray.nodes()`) hold together."""
    return _workers(resources, nodes) // resources.workers


def _workers(resources: TrialResources, nodes: Sequence[Mapping[str, Any]]) -> int:
    asked = resources.bundle()
    return sum(_fit(asked, node["Resources"]) for node in nodes)


def _fit(asked: Mapping[str, float], has: Mapping[str, float]) -> int:
    """How many workers of that size a node holds."""
    return min(math.floor(has.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items() if amount > 0)


def _why_not(asked: Mapping[str, float], nodes: Sequence[Mapping[str, Any]], called: str) -> tuple[Fault, ...]:
    faults = []
    for name, amount in asked.items():
        most = max((float(node["Resources"].get(name, 0.0)) for node in nodes), default=0.0)
        if most < amount:
            where = {"CPU": "resources.cpu", "GPU": "resources.gpu", "memory": "resources.memory"}.get(
                name, "resources.accelerator" if name.startswith("accelerator_type:") else f"resources.custom.{name}"
            )
            cure = f"the largest of {called} has {most:g} {name}: ask for no more, or join another cluster"
            faults.append(Fault(where, amount, cure))
    if not faults:
        text = ", ".join(f"{amount:g} {name}" for name, amount in asked.items())
        faults.append(Fault("resources", text, "each is there, but on no node together: ask for less of one"))
    return tuple(faults)
