"""A Ray cluster of several nodes on 127.0.0.1: a head without room for trials, and workers that a test may kill.

It has a folder and ports of its own, and ends only processes that it started: other Rays of this machine go on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import ray
from drill_kit import end
from ray._private import services, utils
from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

from tuner.records.journal import Line, read_journal
from tuner.records.run_directory import RunDirectory

STORE = 100 * 2**20
"""Bytes of shared memory that each node asks for."""


START_SECONDS = 240.0
"""How long a node may take to start."""


class Nodes:
    """A head of 0 CPUs, and nodes of two CPUs each: `whole()` brings them up to two again."""

    def __init__(self) -> None:
        self._folder = Path(
            tempfile.mkdtemp(prefix="tn")
        )  # short: a Unix socket's path has room for some 100 characters
        self._environment = {name: os.environ.get(name) for name in ("PYTHONPATH", "RAY_ADDRESS")}
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        named = Path(utils.get_ray_address_file(None))
        before = named.read_bytes() if named.is_file() else None
        head = {
            "num_cpus": 0,
            "include_dashboard": False,
            "node_ip_address": "127.0.0.1",
            "temp_dir": str(self._folder),
        }
        with patience():
            self._cluster = Cluster(initialize_head=True, head_node_args=head | {"object_store_memory": STORE})
        if before is not None:  # the file says which Ray of this machine is the last: it is another's
            named.write_bytes(before)
        else:
            named.unlink(missing_ok=True)
        self.address = str(self._cluster.address)
        self.alive: dict[str, Any] = {}
        """Node's name, as reports and journal have it -> the raylet's handle."""
        self._frozen: list[psutil.Process] = []

    def whole(self, workers: int = 2, **more: Any) -> Nodes:
        while len(self.alive) < workers:
            self.add(**more)
        return self

    def add_spot(self) -> str:
        """A node with Ray's label for one that may be taken away."""
        os.environ["RAY_NODE_MARKET_TYPE"] = "spot"
        try:
            return self.add()
        finally:
            del os.environ["RAY_NODE_MARKET_TYPE"]

    def add(self, cpus: int = 2, **more: Any) -> str:
        with patience():
            node = self._cluster.add_node(num_cpus=cpus, object_store_memory=STORE, node_ip_address="127.0.0.1", **more)
        self.alive[node.node_id[:8]] = node
        return str(node.node_id[:8])

    def add_blind(self, folder: Path) -> str:
        """A node that sees an empty folder in the place of this one, as where nothing is mounted."""
        begin = services.start_ray_process

        def apart(command: list[str], *place: Any, **more: Any) -> Any:
            return begin([*unshared(f'mount -t tmpfs none "{folder}" && exec "$@"'), *command], *place, **more)

        services.start_ray_process = apart
        try:
            return self.add()
        finally:
            services.start_ray_process = begin

    def kill(self, name: str) -> None:
        """SIGKILL of its raylet and of all processes under it, as when a machine loses its power."""
        for process in self._processes(self.alive.pop(name)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def freeze(self, name: str) -> list[psutil.Process]:
        """SIGSTOP in place of SIGKILL, as when a machine loses its network; returns whom to wake up again."""
        processes = self._processes(self.alive.pop(name))
        self._frozen += processes
        for process in processes:
            process.suspend()
        return processes

    def drain(self, name: str) -> None:
        """What a cloud's notice of two minutes becomes in Ray."""
        node = self.alive[name]
        deadline = time.time_ns() // 10**6 + 120_000
        preemption = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        client = ray._raylet.GcsClient(address=self.address)
        accepted, why = client.drain_node(node.node_id, preemption, "a drill", deadline)
        assert accepted, why

    def _processes(self, node: Any) -> list[psutil.Process]:
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return [raylet, *raylet.children(recursive=True)]

    def close(self) -> None:
        for name in list(self.alive):
            self.kill(name)
        for process in self._frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._cluster.shutdown()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        services.find_gcs_addresses.cache_clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def unshared(script: str) -> list[str]:
    """The beginning of a command that runs this first, and the rest as `$@`, where mounts are its own."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *rights, "sh", "-c", script, "sh"]


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Ray gives a node 30 seconds to appear, which a busy machine does not keep."""
    look = services.get_node

    def get_node(address: str, name: str) -> Any:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return look(address, name)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = look


def wait_for(process: Any, folder: Path, found: Callable[[list[Line]], Any], seconds: float = 400) -> Any:
    """What `found` sees in the journal of the driver's run, as soon as it is something; fails where it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        for path in (folder / "runs").glob("*/journal.jsonl"):
            seen = found(read_journal(path))
            if seen:
                return seen
        if ended:
            break
        time.sleep(0.02)
    end(process)
    raise AssertionError(f"what was waited for did not come:\n{(folder / 'err.txt').read_text()[-4000:]}")


def running(lines: list[Line]) -> dict[str, str]:
    """Trial -> node, of those that have reported and neither ended nor lost their worker."""
    at: dict[str, str] = {}
    for line in lines:
        if line["kind"] == "report" and "node" in line:
            at[line["trial"]] = line["node"]
        elif line["kind"] in ("ending", "lost", "start"):
            at.pop(line["trial"], None)
        elif line["kind"] == "driver":
            at.clear()
    return at


def by_node(run: RunDirectory) -> dict[str, list[str]]:
    """Node -> the trials that had a report from there."""
    out: dict[str, list[str]] = {}
    for line in read_journal(run.journal):
        if line["kind"] == "report" and "node" in line:
            out.setdefault(line["node"], []).append(line["trial"])
    return out
