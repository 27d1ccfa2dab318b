"""`tuner ui`: the MLflow UI on the store that sweeps write to, on this machine alone, gone with ^C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.errors import Fault, InputError, RunError
from tuner.tracking.uri import SERVERS, absolute_uri, check_uri, masked, scheme_of, sqlite_path

HOST = "127.0.0.1"
START_SECONDS = 120
"""On a busy machine MLflow's server needs some twenty."""
STOP_SECONDS = 10


def serve(uri: str, port: int) -> int:
    """Until ^C or SIGTERM. Raises InputError where there is nothing to show or the port is taken."""
    check_uri(uri)
    if scheme_of(uri) in SERVERS:
        print(f"the MLflow server shows its own UI: {masked(uri)}")
        return 0
    _check_store(uri)
    _check_port(port)
    with _process(uri, port) as server:
        _wait_until_up(server, port)
        print(f"MLflow UI: http://{HOST}:{port}  (Ctrl-C ends it)", flush=True)
        server.wait()
    return 0


@contextmanager
def _process(uri: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server is some processes: they form a group of their own, and it ends as a whole."""
    server = subprocess.Popen(_command(port), env=_environment(absolute_uri(uri)), start_new_session=True)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # which is KeyboardInterrupt
    try:
        yield server
    except KeyboardInterrupt:
        print("\nMLflow UI: ended", file=sys.stderr)
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:  # all of the group have ended
            return
        except subprocess.TimeoutExpired:
            continue


def _command(port: int) -> list[str]:
    return [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]


def _environment(uri: str) -> dict[str, str]:
    """The store's URI goes this way since other users of the machine can read a command line."""
    path = sqlite_path(uri)
    artifacts = (path.parent if path is not None else Path.cwd()) / "mlartifacts"
    return {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": artifacts.as_uri(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _check_store(uri: str) -> None:
    path = sqlite_path(absolute_uri(uri))
    if path is not None and not path.exists():
        cure = "no sweep has written it yet: run one, or name another store with --uri"
        raise InputError("no MLflow store to show", (Fault("--uri", str(path), cure),))


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            cure = f"cannot be listened on ({error}): name a free one"
            raise InputError("the MLflow UI cannot start", (Fault("--port", port, cure),)) from None


def _wait_until_up(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RunError(f"MLflow's server did not start on {HOST}:{port}: what it said stands above")
