"""A run on storage, brought here: its journal, its files and the weights that were kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.records.journal import has_driver
from tuner.records.lease import NAME as LEASE
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.records.segments import FOLDER, read
from tuner.records.storage import Storage, split

AT_ONCE = 8
"""Objects that are fetched side by side."""


def fetch_run(uri: str, runs: Path) -> RunDirectory:
    """Bring the run at `uri` to `runs`, or bring the copy up to date that is there.

    What trials that go on need stays where it is: workers fetch it themselves. Raises InputError where there is no run
    or the copy here has gone another way, StorageError where the storage cannot be reached.
    """
    storage, (_, name) = Storage(uri), split(uri)
    directory = RunDirectory(Path(os.path.abspath(runs)) / name)  # noqa: PTH100  (resolve() would follow links)
    if has_driver(directory.journal):
        return directory  # it is written here at this moment
    there = read(storage)
    if not there:
        cure = "there is no run: write the whole URI of one, s3://BUCKET/FOLDER/NAME-DATE-TIME-HASH"
        raise InputError("no run of that name", (Fault("RUN", uri, cure),))
    journal = agreed(directory, there, uri)
    names = [one for one in storage.list() if ours(one) or _is_result(one)]
    _fetch(storage, names, directory)
    write_atomically(directory.journal, journal)
    return directory


def fetch_results(storage: Storage, directory: RunDirectory) -> list[str]:
    """Kept weights, pictures and trials' logs; returns the names of what came."""
    names = [*(one for one in storage.list("checkpoints") if _is_result(one)), *storage.list("logs")]
    names = [one for one in names if one != "logs/driver.log"]
    _fetch(storage, names, directory)
    return names


def agreed(directory: RunDirectory, there: bytes, uri: str) -> bytes:
    """The longer of the two journals, here and there. Raises InputError where neither is the beginning of the other."""
    path = directory.journal
    here = path.read_bytes() if path.is_file() else b""
    here = here[: here.rfind(b"\n") + 1]
    if there.startswith(here):
        return there
    if here.startswith(there):
        return here
    cure = (
        f"the copy in {directory.path} went another way than the run there, where a later driver went on without its "
        "last lines: move that folder away, and the run is fetched anew"
    )
    raise InputError("two journals of one run", (Fault("RUN", uri, cure),))


def ours(name: str) -> bool:
    """Whether it is a file that the driver keeps: not the journal, no checkpoint, no lock, nothing half written."""
    first, _, rest = name.partition("/")
    if first in (FOLDER, "checkpoints", LEASE) or name == "journal.jsonl" or name.endswith(".lock"):
        return False
    return not any(part.startswith(".") for part in (first, *rest.split("/")) if part)


def _is_result(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "checkpoints" and len(parts) > 2 and (parts[2].startswith("best") or parts[2] == "pictures")


def _fetch(storage: Storage, names: Iterable[str], directory: RunDirectory) -> None:
    fetch: Callable[[str], bool] = lambda name: storage.fetch(name, directory.path / name)  # noqa: E731
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(fetch, names))
