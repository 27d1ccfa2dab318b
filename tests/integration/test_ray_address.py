"""A Ray that the tuner starts for itself: reachable from this machine alone, and SIGTERM stays ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import signal
from tuner.launch.cluster import connected
signal.signal(signal.SIGTERM, ours := lambda number, frame: None)
with connected(None, cpus=1):
    import ray
    assert signal.getsignal(signal.SIGTERM) is ours, "ray.init has taken it: a stopped sweep would write no report"
    print([node["NodeManagerAddress"] for node in ray.nodes()], ray.cluster_resources()["CPU"])
"""


@pytest.mark.slow
def test_it_listens_on_loopback_and_leaves_sigterm_alone() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['127.0.0.1'] 1.0"
