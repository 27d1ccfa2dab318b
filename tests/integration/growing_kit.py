"""A cluster on 127.0.0.1 that grows: a head without room for trials, and Ray's own autoscaler, which starts and ends
nodes on this machine (`ray.autoscaler._private.fake_multi_node`).

`ray.cluster_utils.AutoscalingCluster` cannot be used: it ends every Ray of the machine, and it reads a file that the
wheel does not have. This one has a folder and ports of its own, and ends only processes that it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from cluster_kit import START_SECONDS, STORE
from mlflow_server import free_port
from ray._raylet import GcsClient
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

KIND = {"resources": {"CPU": 1, "object_store_memory": STORE}, "node_config": {}, "min_workers": 0, "max_workers": 2}
IDLE_MINUTES = 0.2
START = "from cluster_kit import patience\nfrom ray.scripts.scripts import main\nwith patience():\n    main()"
"""`ray`, which alone gives a node 30 seconds to appear."""
UNUSED = (
    "cluster_synced_files",
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
)
"""Ray's first autoscaler wants them all."""


class Growing:
    """`second`: Ray's second autoscaler, which `ray up` starts; else the first."""

    def __init__(self, *, second: bool) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tg"))  # short: a Unix socket's path has room for 100 characters
        ports = [free_port() for _ in range(2)]
        self.address = f"127.0.0.1:{ports[0]}"
        written = self._folder / "cluster.yaml"
        written.write_text(json.dumps(self._configuration(second)))
        environment = {
            "RAY_FAKE_CLUSTER": "1",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # further nodes on 127.0.0.1 too
            "AUTOSCALER_UPDATE_INTERVAL_S": "1",
            "RAY_AUTH_MODE": "disabled",  # `ray start` would take a token that this machine happens to have
            "PYTHONPATH": os.pathsep.join(map(str, (Path(__file__).parents[2], Path(__file__).parent))),
        }
        if second:
            environment |= {
                "RAY_enable_autoscaler_v2": "1",
                "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
                "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
            }
        words = {
            "port": ports[0],
            "ray-client-server-port": ports[1],
            "dashboard-agent-listen-port": 0,
            "min-worker-port": 0,
            "max-worker-port": 0,
            "node-ip-address": "127.0.0.1",
            "temp-dir": self._folder,
            "num-cpus": 0,
            "object-store-memory": STORE,
            "include-dashboard": "false",
            "autoscaling-config": written,
        }
        command = [sys.executable, "-c", START, "start", "--head", "--block", "--disable-usage-stats"]
        with (self._folder / "said.txt").open("wb") as said:
            self._head = subprocess.Popen(
                [*map(str, command), *(f"--{name}={value}" for name, value in words.items())],
                env=os.environ | environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self.wait_until(1)

    def _configuration(self, second: bool) -> dict[str, object]:
        provider = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
        more = {"launch_multiple": True, "head_node_id": FAKE_HEAD_NODE_ID} if second else {}
        return {
            "cluster_name": "growing",
            "max_workers": 2,
            "upscaling_speed": 1.0,
            "idle_timeout_minutes": IDLE_MINUTES,
            "provider": {
                "type": "external",
                "module": provider,
                "gcs_address": self.address,
                "use_node_id_as_ip": True,
                "disable_node_updaters": True,
                "disable_launch_config_check": True,
                **more,
            },
            "head_node_type": "ray.head.default",
            "available_node_types": {
                "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
                "small": KIND,
            },
            "auth": {},
            "docker": {},
            **{name: [] for name in UNUSED},
            "file_mounts": {},
        }

    def alive(self) -> int:
        """Nodes, the head included."""
        nodes = GcsClient(address=self.address).get_all_node_info(timeout=5).values()
        return sum(node.state == 0 for node in nodes)

    def wait_until(self, nodes: int, seconds: float = START_SECONDS) -> None:
        """Until there are so many nodes; fails where that never happens."""
        deadline, seen = time.monotonic() + seconds, -1
        while time.monotonic() < deadline and self._head.poll() is None:
            with contextlib.suppress(Exception):  # nobody listens yet
                seen = self.alive()
            if seen == nodes:
                return
            time.sleep(0.2)
        raise AssertionError(f"{seen} nodes in place of {nodes}:\n{(self._folder / 'said.txt').read_text()[-4000:]}")

    def close(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            head = psutil.Process(self._head.pid)
            for process in [head, *head.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._head.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
