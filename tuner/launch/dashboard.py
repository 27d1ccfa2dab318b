"""The dashboard of a cluster that was joined: whoever reaches an open one runs what he likes there."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from http.client import HTTPException

from tuner.launch.jobs import reached_by_others

_ANSWER_SECONDS = 3.0


def warn_of_open_dashboard(url: str | None, say: Callable[[str], object] = sys.stderr.write) -> None:
    """`url`: as Ray names it, `10.0.0.7:8265`; None or empty where there is none."""
    address = f"http://{url}" if url and "://" not in url else url
    if address and reached_by_others(address) and _takes_anyone(address):
        say(
            f"warning    the cluster's dashboard at {address} listens beyond 127.0.0.1 and runs whatever anyone who "
            "reaches it sends: start Ray with --dashboard-host=127.0.0.1 there, or give the cluster a token "
            "(docs/cluster.md)\n"
        )


def _takes_anyone(address: str) -> bool:
    """What cannot be reached from here, or asks for a token, does not."""
    try:
        with urllib.request.urlopen(f"{address}/api/version", timeout=_ANSWER_SECONDS) as answer:
            return "ray_version" in json.loads(answer.read(1 << 20))
    except (OSError, HTTPException, ValueError, TypeError):  # an HTTPError is an OSError
        return False
