"""A run directory brought here through a job server: equal by its hashes, whole or not at all, over nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner.api.fetch import FETCHES_KEY, fetch
from tuner.api.jobs import exit_code, find_job, listed, row
from tuner.api.submit import RUN_KEY, SWEEP_KEY
from tuner.errors import InputError, RunError
from tuner.launch.archive import READY, pack
from tuner.launch.jobs import Job, Request

NAME = "sweep-20261121-0551-7f3a"


def job(id: str = NAME, status: str = "SUCCEEDED", **metadata: str) -> Job:
    return Job(id, status, metadata, 100.0, 160.0, 0, "", "node")


def run_directory(parent: Path, name: str = NAME) -> Path:
    run = parent / name
    (run / "checkpoints" / "0001").mkdir(parents=True)
    (run / "journal.jsonl").write_text(json.dumps({"kind": "sweep", "run": name}) + "\n")
    (run / "checkpoints" / "0001" / "best.safetensors").write_bytes(bytes(range(256)) * 999)
    (run / "logs").mkdir()
    (run / "logs" / "ünïcode name.log").write_text("")
    return run


class OneRun:
    """A job server whose packing job packs at once; `spoil` changes the archive on its way."""

    def __init__(self, run: Path, logs: Path, spoil: Callable[[bytes], bytes] = bytes) -> None:
        self.run, self.logs, self.spoil = run, logs, spoil
        self.stopped: list[str] = []
        self.said = ""

    def submit(self, request: Request) -> None:
        self.folder = self.logs / request.id
        if not self.run.is_dir():
            self.said = "there is no run"
            return
        self.folder.mkdir(parents=True)
        pack(self.run, self.folder)
        self.said = f"Running\n{READY}: 3 files\n"

    def job(self, id: str) -> Job:
        return job(id, "RUNNING" if READY in self.said else "FAILED")

    def log(self, id: str) -> str:
        return self.said

    def stop(self, id: str) -> bool:
        self.stopped.append(id)
        return True

    def file(self, node: str, name: str) -> Iterator[bytes]:
        data = (self.logs / name).read_bytes()
        data = self.spoil(data) if name.endswith(".tar") else data
        yield from (data[at : at + 1000] for at in range(0, len(data), 1000))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fetched(tmp_path: Path, spoil: Callable[[bytes], bytes] = bytes, **metadata: str) -> tuple[OneRun, Path, Path]:
    run, out = run_directory(tmp_path / "there"), tmp_path / "here" / NAME
    server = OneRun(run, tmp_path / "logs", spoil)
    fetch(server, job(**{RUN_KEY: str(run), **metadata}), out)
    return server, run, out


def test_every_file_arrives_as_it_is_there_and_the_archive_is_taken_away(tmp_path: Path) -> None:
    server, run, out = fetched(tmp_path)
    assert contents(out) == contents(run)
    assert len(contents(out)) == 3
    assert len(server.stopped) == 1
    assert (out / "journal.jsonl").stat().st_mtime == (run / "journal.jsonl").stat().st_mtime


def test_a_later_fetch_replaces_the_copy_of_the_same_run(tmp_path: Path) -> None:
    server, run, out = fetched(tmp_path)
    with (run / "journal.jsonl").open("a") as journal:
        journal.write("{}\n")
    (run / "logs" / "ünïcode name.log").unlink()
    fetch(server, job(**{RUN_KEY: str(run)}), out)
    assert contents(out) == contents(run)
    assert [path.name for path in out.parent.iterdir()] == [NAME]


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    server, run, _ = fetched(tmp_path)
    run_directory(tmp_path, "another")
    (tmp_path / "file").write_text("")
    for other in (tmp_path / "another", tmp_path / "there", tmp_path / "file"):
        with pytest.raises(InputError, match="holds something else"):
            fetch(server, job(**{RUN_KEY: str(run)}), other)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[: len(data) // 2], "did not arrive whole"),
        (lambda data: data.replace(b"\x07\x08\x09", b"\x07\x08\x08", 1), "did not arrive as it was"),
        (lambda data: b"", "did not arrive"),
        (lambda data: data.replace(b"journal.jsonl", b"../journal.js", 1), "did not arrive whole"),
    ],
)
def test_what_changed_on_its_way_is_noticed_and_leaves_nothing(
    tmp_path: Path, spoil: Callable[[bytes], bytes], says: str
) -> None:
    with pytest.raises(RunError, match=says):
        fetched(tmp_path, spoil)
    assert list((tmp_path / "here").rglob("*")) == []


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    def evil(_data: bytes) -> bytes:
        path = tmp_path / "evil.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(tmp_path / "there" / NAME / "journal.jsonl", "../../outside")
        return path.read_bytes()

    with pytest.raises(RunError, match=r"does not name: \.\./\.\./outside"):
        fetched(tmp_path, evil)
    assert not (tmp_path / "outside").exists()


def test_a_run_that_is_not_there_says_so(tmp_path: Path) -> None:
    server = OneRun(tmp_path / "absent", tmp_path / "logs")
    with pytest.raises(RunError, match="could not be packed there: there is no run"):
        fetch(server, job(**{RUN_KEY: str(tmp_path / "absent")}), tmp_path / "out")


def test_a_job_of_someone_else_or_a_run_elsewhere_cannot_be_fetched(tmp_path: Path) -> None:
    server = OneRun(tmp_path, tmp_path)
    with pytest.raises(InputError, match="was not submitted by"):
        fetch(server, job(), tmp_path / "out")
    with pytest.raises(InputError, match="s3://bucket/run: copy it from there"):
        fetch(server, job(**{RUN_KEY: "s3://bucket/run"}), tmp_path / "out")


def test_the_side_on_the_cluster_packs_until_it_is_told_to_end(tmp_path: Path) -> None:
    """It finds the folder of Ray's logs by its own output, and leaves nothing there."""
    run, log = run_directory(tmp_path), tmp_path / "logs" / "job-driver-fetch-1.log"
    log.parent.mkdir()
    command = [sys.executable, "-P", "-m", "tuner.launch.archive", str(run), "fetch-1"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        while READY not in log.read_text() and process.poll() is None:
            pass
        manifest = json.loads((log.parent / "fetch-1" / "manifest.json").read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    assert manifest.keys() == contents(run).keys()
    assert list(log.parent.iterdir()) == [log]


def test_a_file_that_grows_while_it_is_packed_is_as_long_as_it_was(tmp_path: Path) -> None:
    run = run_directory(tmp_path / "there")
    with (run / "journal.jsonl").open("a") as journal:
        (tmp_path / "out").mkdir()
        manifest = pack(run, tmp_path / "out")
        journal.write("later\n")
    assert manifest["journal.jsonl"][0] == len(json.dumps({"kind": "sweep", "run": NAME})) + 1


def test_jobs_are_found_by_the_start_of_their_id() -> None:
    there = [job("a-1"), job("a-2"), job("b-1"), job("fetch-1-b-1", **{FETCHES_KEY: "b-1"})]
    assert [one.id for one in listed(there)] == ["a-1", "a-2", "b-1"]
    assert find_job("b", there).id == "b-1"
    assert find_job("a-1", [*there, job("a-12")]).id == "a-1"
    for start, says in (
        ("a", "begins the ids of 2 jobs: a-1, a-2"),
        ("c", "no such job; there are"),
        (None, "name one"),
    ):
        with pytest.raises(InputError, match=says):
            find_job(start, there)
    with pytest.raises(InputError, match="none on this cluster"):
        find_job("x", [])


def test_a_job_is_told_with_its_seconds_and_its_exit_code() -> None:
    running = Job("x", "RUNNING", {SWEEP_KEY: "s", RUN_KEY: "/r/x"}, 100.0, None, None, "", None)
    assert row(running, 130.5) == {
        "job": "x",
        "sweep": "s",
        "run": "/r/x",
        "status": "RUNNING",
        "started": 100.0,
        "ended": None,
        "seconds": 30.5,
        "exit_code": None,
    }
    ends = [("SUCCEEDED", 0), ("STOPPED", None), ("FAILED", 2), ("FAILED", None), ("FAILED", -9)]
    codes = [exit_code(Job("x", status, {}, None, None, code, "", None)) for status, code in ends]
    assert codes == [0, 130, 2, 3, 3]
