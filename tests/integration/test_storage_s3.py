"""A sweep on Ray with its runs on an S3 server: killed, resumed from another folder, and no secret left anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.records.segments import read
from tuner.records.storage import Storage, child

ROOT = Path(__file__).parents[2]
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTED0KEY0ID",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+secret0key",
    "AWS_SESSION_TOKEN": "planted0aws0session0token",
    "MLFLOW_TRACKING_PASSWORD": "planted0mlflow0password",
    "MLFLOW_TRACKING_TOKEN": "planted0mlflow0token",
    "MLFLOW_TRACKING_USERNAME": "planted0mlflow0user",
}
SWEEP = """
task: digits
model: mlp
space: {lr: {float: [1e-4, 1], log: true}}
search: {trials: 12, max_epochs: 5}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment with which an S3 server is found."""
    script = (
        "import sys, time, boto3\n"
        "from moto.server import ThreadedMotoServer\n"
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n"
        "server.start()\n"
        "address = 'http://%s:%s' % server.get_host_and_port()\n"
        "boto3.client('s3', endpoint_url=address).create_bucket(Bucket='bucket')\n"
        "print(address, flush=True)\n"
        "sys.stdin.read()\n"
    )
    plain = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environ = plain | SECRETS | {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    log = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environ
    )
    assert process.stdout is not None
    assert process.stdin is not None
    address = process.stdout.readline().decode().strip()
    yield environ | {"AWS_ENDPOINT_URL": address}
    process.stdin.close()
    process.wait(timeout=20)
    process.stdout.close()
    log.close()


def start(folder: Path, environ: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    with (folder / "out.txt").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "tuner", *words],
            cwd=folder,
            env=environ | {"TMPDIR": tempfile.gettempdir()},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_lines(process: subprocess.Popen[bytes], storage: Storage, uri: str, kind: str, count: int) -> str:
    """The run's URI, once its journal there has so many lines of a kind."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        runs = {name.split("/")[0] for name in storage.list()}
        if len(runs) == 1:
            run = child(uri, runs.pop())
            if read(Storage(run)).count(b'"kind":"%s"' % kind.encode()) >= count:
                return run
        time.sleep(0.2)
    raise AssertionError(f"exit code {process.poll()}")


@pytest.mark.slow
def test_a_killed_driver_is_gone_on_with_from_elsewhere_and_no_secret_stays(
    server: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*SECRETS, "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, server[name])
    uri = "s3://bucket/some/runs"
    storage = Storage(uri)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    began = time.time()
    sweep = str(tmp_path / "sweep.yaml")
    first = start(tmp_path / "one", server, "run", sweep, "--set", f"storage={uri}", "--cpus", "2", "--quiet")
    try:
        run = wait_for_lines(first, storage, uri, "report", 12)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        second = start(tmp_path / "two", server, "run", "--resume", run, "--cpus", "2", "--json")
        try:
            assert second.wait(timeout=280) == 0, (tmp_path / "two" / "out.txt").read_text()[-3000:]
        finally:
            end(second)
    finally:
        end(first)
    there = Storage(run)
    lines = [json.loads(row) for row in read(there).splitlines()]
    assert [line["kind"] for line in lines].count("driver") == 2
    assert lines[-1]["kind"] == "end"
    ended = [line for line in lines if line["kind"] == "ending" and line["ending"] != "interrupted"]
    assert len(ended) == 12
    epochs = [(line["trial"], line["epoch"]) for line in lines if line["kind"] == "report"]
    assert len(epochs) == len(set(epochs))
    names = set(there.list())
    assert {"report.html", "summary.json", "sweep.yaml"} <= names
    assert len([name for name in names if name.startswith("journal/") and name.endswith("-0002.jsonl")]) == 1

    haystacks = {name: there.get(name) or b"" for name in names}
    ray_files = [path for path in Path(tempfile.gettempdir(), "ray").glob("session_2*") if path.stat().st_mtime > began]
    for folder in (tmp_path, *ray_files):
        for path in folder.rglob("*"):
            if path.is_file():
                haystacks[str(path)] = path.read_bytes()
    assert any(name.endswith("mlflow.db") for name in haystacks)
    found = {
        (name, key) for name, data in haystacks.items() for key, value in SECRETS.items() if value.encode() in data
    }
    assert found == set()
