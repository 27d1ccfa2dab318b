"""A job's run directory, brought here through the job server's port alone, each file proved by its hash."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuner.api.submit import RUN_KEY
from tuner.errors import Fault, InputError, RunError
from tuner.launch.archive import ARCHIVE, MANIFEST, READY
from tuner.launch.jobs import Job, Request

FETCHES_KEY = "tuner.fetches"
"""In the metadata of the small job that packs a run directory there: whose."""


class Server(Protocol):
    """The part of a job server that fetching needs."""

    def submit(self, request: Request) -> None: ...
    def job(self, id: str) -> Job: ...
    def log(self, id: str) -> str: ...
    def stop(self, id: str) -> bool: ...
    def file(self, node: str, name: str) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What arrived."""

    path: Path
    files: int
    bytes: int


def fetch(server: Server, job: Job, out: Path, *, pause: float = 0.5) -> Fetched:
    """Bring the run directory of `job` to `out`, whole or not at all; an earlier copy of the same run is replaced.

    A run that still goes on is fetched as it stands. Raises InputError where the job has no run that can be fetched or
    `out` holds anything else, RunError where it could not be packed or did not arrive as it was.
    """
    run = job.metadata.get(RUN_KEY)
    if run is None:
        raise InputError("no run to fetch", (Fault("JOB", job.id, "was not submitted by `tuner submit`"),))
    if "://" in run:
        raise InputError("no run to fetch", (Fault("JOB", job.id, f"its run lies in {run}: copy it from there"),))
    _refuse_other(out, Path(run).name)
    id = f"fetch-{os.urandom(4).hex()}-{job.id}"
    words = [
        "python",
        "-P",
        "-m",
        "tuner.launch.archive",
        run,
        id,
    ]  # -P: whatever lies in the folder that Ray starts it in
    server.submit(Request(id, shlex.join(words), metadata={FETCHES_KEY: job.id}))
    half = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        node = _until_packed(server, id, pause)
        manifest = json.loads(b"".join(server.file(node, f"{id}/{MANIFEST}")))
        half.mkdir(parents=True)
        _unpack(server.file(node, f"{id}/{ARCHIVE}"), manifest, half)
        _put(half, out)
    finally:
        shutil.rmtree(half, ignore_errors=True)
        server.stop(id)  # which takes the archive away; the job stays in Ray's list: deleting it at once brings it back
    return Fetched(out, len(manifest), sum(size for size, _ in manifest.values()))


def _until_packed(server: Server, id: str, pause: float) -> str:
    """The node on which the archive lies."""
    while True:
        job = server.job(id)
        if READY in server.log(id) and job.node is not None:
            return job.node
        if job.over:
            lines = [line for line in (server.log(id) or job.message).splitlines() if line.strip()]
            raise RunError(f"the run directory could not be packed there: {lines[-1] if lines else job.status}")
        time.sleep(pause)


class _Stream:
    """Chunks as a file that is read forwards."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, size: int) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while length < size and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            length += len(chunk)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def _unpack(chunks: Iterator[bytes], manifest: dict[str, tuple[int, str]], folder: Path) -> None:
    """Write the files of an archive that the manifest names, each compared with its hash. No links, no other places."""
    arrived = set()
    try:
        with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                content = archive.extractfile(member)
                path = Path(member.name)
                if content is None or member.name not in manifest or path.is_absolute() or ".." in path.parts:
                    raise RunError(f"the archive holds what its manifest does not name: {member.name}")
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                found = hashlib.sha256()
                with target.open("wb") as file:
                    while data := content.read(1 << 20):
                        found.update(data)
                        file.write(data)
                if [target.stat().st_size, found.hexdigest()] != list(manifest[member.name]):
                    raise RunError(f"{member.name} did not arrive as it was: fetch again")
                os.utime(target, (member.mtime, member.mtime))
                arrived.add(member.name)
    except tarfile.TarError as error:
        raise RunError(f"the archive did not arrive whole ({error}): fetch again") from error
    if missing := manifest.keys() - arrived:
        raise RunError(f"{len(missing)} of {len(manifest)} files did not arrive: fetch again")


def _refuse_other(out: Path, run: str) -> None:
    """An earlier copy of the same run may be replaced, nothing else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out.is_dir() and _run_of(out) == run):
        cure = f"holds something else than an earlier copy of {run}: name another folder"
        raise InputError("fetching would overwrite something", (Fault("--out", str(out), cure),))


def _run_of(folder: Path) -> str | None:
    """The name of the run whose journal lies in a folder."""
    try:
        with (folder / "journal.jsonl").open(encoding="utf-8") as journal:
            name = json.loads(journal.readline()).get("run")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


def _put(half: Path, out: Path) -> None:
    if out.exists():
        old = out.with_name(f".{out.name}.{os.getpid()}.old")
        out.rename(old)
        half.rename(out)
        shutil.rmtree(old)
    else:
        half.rename(out)
