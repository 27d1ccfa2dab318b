"""A real Ray head with its job server on 127.0.0.1, beside whatever other Ray runs on the machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from mlflow_server import HOST, free_port

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Head:
    """A head, and how the command line is called so that it may talk to it."""

    address: str
    logs: Path
    """The folder of Ray's logs."""
    environment: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def calling(self, folder: Path, *words: object, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """`tuner WORDS --address …` in `folder`; it ends with the block, however that went."""
        command = [sys.executable, "-m", "tuner", *map(str, words), "--address", self.address]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **environ}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
            try:
                yield process
            finally:
                process.kill()

    def tuner(self, folder: Path, *words: object, expected: int = 0, **environ: str) -> tuple[str, str]:
        """(standard output, standard error) of a call that ends with the expected exit code."""
        with self.calling(folder, *words, **environ) as process:
            out, err = process.communicate(timeout=400)
        assert process.returncode == expected, f"exit code {process.returncode}, expected {expected}:\n{out}\n{err}"
        return out, err


@contextmanager
def head(token: str | None = None) -> Iterator[Head]:
    """A head of two CPUs in a folder of its own, with all its processes on 127.0.0.1; they end with it.

    Ray puts the machine's own address in the place of 127.0.0.1 and listens for all, unless it is told, as on macOS,
    that there will be no other nodes.
    """
    folder = Path(tempfile.mkdtemp(prefix="rj"))  # short: a Unix socket's path has room for some 100 characters
    environ = {"RAY_AUTH_MODE": "disabled" if token is None else "token"}
    if token is not None:
        (folder / "token").write_text(token)
        environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "token")
    ports = [free_port() for _ in range(3)]
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--port", str(ports[0])]
    command += ["--dashboard-host", HOST, "--dashboard-port", str(ports[1]), "--ray-client-server-port", str(ports[2])]
    command += ["--dashboard-agent-listen-port", "0", "--dashboard-agent-grpc-port", "0", "--temp-dir", str(folder)]
    command += ["--num-cpus", "2", "--object-store-memory", str(200 * 2**20), "--disable-usage-stats"]
    started = {
        **os.environ,
        **environ,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=started, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    address = f"http://{HOST}:{ports[1]}"
    try:
        _until_it_answers(process, f"{address}/api/version", folder / "head.log")
        yield Head(address, folder / "session_latest" / "logs", environ)
    finally:
        members = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.terminate()
        _, alive = psutil.wait_procs(members, timeout=10)
        for left in alive:
            left.kill()
        psutil.wait_procs(alive, timeout=10)
        process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)


def _until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:  # it wants a token
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no job server at {url}:\n{log.read_text()}")


def hashes(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def holding(folder: Path, secret: str) -> set[str]:
    """The names of the files below a folder that hold a text, whatever else they are."""
    wanted = secret.encode()
    return {path.name for path in folder.rglob("*") if path.is_file() and wanted in path.read_bytes()}
