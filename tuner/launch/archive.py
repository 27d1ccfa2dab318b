"""The cluster's side of `tuner jobs fetch`: `python -m tuner.launch.archive RUN ID` packs a run beside Ray's logs.

Ray's job server gives out the files below its logs folder, and nothing else. This job's own standard output is a file
in that folder, which so says where it is. The archive lies there until the job is told to end, an hour at most.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sys
import tarfile
import threading
from pathlib import Path
from typing import BinaryIO

ARCHIVE, MANIFEST = "run.tar", "manifest.json"
READY = "the archive is ready"
"""The line that this job prints when the other side may begin."""
_WAIT_SECONDS = 3600.0


class _Hashed:
    """A file that is read through a hash, and no further than `size`: it may grow meanwhile."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def pack(run: Path, folder: Path) -> dict[str, list[object]]:
    """Write `run.tar` with all regular files of `run`, each as long as it was when its turn came, and `manifest.json`.

    Returns what the manifest says: path -> [bytes, sha256]. Raises OSError where a file cannot be read to its end.
    """
    manifest: dict[str, list[object]] = {}
    with tarfile.open(folder / ARCHIVE, "w") as archive:
        for path in sorted(path for path in run.rglob("*") if path.is_file() and not path.is_symlink()):
            try:
                file = path.open("rb")
            except FileNotFoundError:  # a checkpoint that was replaced since
                continue
            with file:
                info = archive.gettarinfo(arcname=str(path.relative_to(run)), fileobj=file)
                hashed = _Hashed(file)
                archive.addfile(info, hashed)  # type: ignore[arg-type]  # it only reads
                manifest[info.name] = [info.size, hashed.hash.hexdigest()]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def _log_folder() -> Path:
    """Where this process's standard output goes: the folder of Ray's logs on this node."""
    if sys.platform == "darwin":
        import fcntl

        path = Path(fcntl.fcntl(1, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode())
    else:
        path = Path("/proc/self/fd/1").readlink()
    if not path.is_file():
        raise SystemExit("this is a part of `tuner jobs fetch`, and runs as a job of Ray's")
    return path.parent


def main(run: Path, id: str) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    if not (run / "journal.jsonl").is_file():
        raise SystemExit(f"there is no run at {run}: the job ended before it began one, or another node has it")
    folder = _log_folder() / id
    needed = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    free = shutil.disk_usage(folder.parent).free
    if needed > 0.95 * free:
        raise SystemExit(
            f"{needed / 2**30:.1f} GiB to pack, {free / 2**30:.1f} GiB free on the head: copy {run} itself"
        )
    folder.mkdir()
    try:
        manifest = pack(run, folder)
        print(f"{READY}: {len(manifest)} files", flush=True)
        ended.wait(_WAIT_SECONDS)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser(), sys.argv[2])
