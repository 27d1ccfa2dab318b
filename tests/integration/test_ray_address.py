"""A Ray that the tuner starts for itself is reachable from this machine alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from tuner.launch.cluster import connected
with connected(None, cpus=1):
    import ray
    print([node["NodeManagerAddress"] for node in ray.nodes()], ray.cluster_resources()["CPU"])
"""


@pytest.mark.slow
def test_it_listens_on_loopback() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['127.0.0.1'] 1.0"
