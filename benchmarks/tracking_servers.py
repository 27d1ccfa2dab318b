"""PostgreSQL and an MLflow server in front of it, on 127.0.0.1, in a folder of their own: for `tracking.py`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

HOST, USER = "127.0.0.1", "tuner"
UNPRIVILEGED = "nobody"
"""Who runs PostgreSQL where this is root, which it refuses."""
START_SECONDS = 180


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """An empty database: its URI behind the scheme. Raises SystemExit where PostgreSQL is not installed."""
    data, port, programs = folder / "data", free_port(), _programs()
    who = UNPRIVILEGED if os.geteuid() == 0 else None
    data.mkdir(mode=0o700)
    if who is not None:
        shutil.chown(data, who)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"],
        user=who, cwd="/", check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    command = [programs / "postgres", "-D", data, "-h", HOST, "-p", str(port), "-k", data]
    process = subprocess.Popen(command, user=who, cwd="/", stderr=subprocess.DEVNULL)
    try:
        _until(lambda: socket.create_connection((HOST, port), timeout=1).close(), process)
        yield f"{USER}@{HOST}:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown
        process.wait(timeout=60)


@contextmanager
def mlflow_server(backend: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Its address and its first process."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", backend, "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        address = f"http://{HOST}:{port}"
        _until(lambda: urllib.request.urlopen(f"{address}/health", timeout=2).close(), process)
        yield address, psutil.Process(process.pid)
    except SystemExit:
        print((folder / "server.log").read_text("utf-8", "replace")[-2000:], file=sys.stderr)
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def cpu_seconds(process: psutil.Process) -> float:
    """Of it and its living children."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _until(ask: object, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ask()  # type: ignore[operator]
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{process.args!r} does not answer")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        raise SystemExit("PostgreSQL is not installed: `apt install postgresql`, or leave `--stores postgresql` out")
    return found[-1].parent
