"""Telling a Prometheus where a sweep's own Ray serves its metrics.

Ray's dashboard writes such a file for a cluster. The Ray that a sweep starts for itself has no dashboard, and a port of
its own each time; so the sweep writes one, which `dashboards/prometheus.yml` looks for, and takes it away at its end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuner.records.run_directory import write_atomically

FOLDER = ".prometheus"
"""In the folder of runs; one file a run, as Prometheus' file-based service discovery wants them."""


@contextmanager
def announced(targets: Sequence[str], runs: Path, run: str, say: Callable[[str], object]) -> Iterator[None]:
    """While the block lasts, `runs/.prometheus/RUN.json` lists `targets` (`host:port`). A folder that cannot be written
    to is told to `say`, and is no reason to stop a sweep. A killed driver leaves its file; a resume replaces it."""
    file = runs / FOLDER / f"{run}.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps([{"labels": {"job": "ray"}, "targets": list(targets)}]) + "\n")
    except OSError as error:
        say(f"Prometheus is not told of this sweep: {error}\n")
        yield
        return
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another sweep's file is in it
            file.parent.rmdir()
