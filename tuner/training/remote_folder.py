"""A trial's checkpoints on storage: written here first and sent, fetched where the trial goes on. Torch-free.

A worker's own folder lives as long as its process and holds one trial at a time, so two workers of one machine share as
little as two machines do.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tuner.records.storage import Storage, StorageError, split
from tuner.training.plan import TrainingPlan


class RemoteFolder:
    """One trial's. Raises StorageError for a storage that stays away: the trial then goes on elsewhere."""

    def __init__(self, storage: Storage, trial: str, folder: Path) -> None:
        """`folder`: the same one, here."""
        self._storage, self._prefix, self._folder = storage, f"checkpoints/{trial}", folder

    def send(self, name: str) -> None:
        """A file, or a folder with all that is in it."""
        path = self._folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                self._storage.put(f"{self._prefix}/{file.relative_to(self._folder).as_posix()}", file)

    def fetch(self, name: str) -> None:
        """The file or folder of that name, in place of what is here; nothing where there is none."""
        if (self._folder / name).is_dir():
            shutil.rmtree(self._folder / name)
        for one in self._storage.list(self._prefix):
            rest = one.removeprefix(f"{self._prefix}/")
            if rest == name or rest.startswith(f"{name}/"):
                self._storage.fetch(one, self._folder / rest)

    def commit(self, best: str | None, last: str, notes: str) -> None:
        """Send `best`, where there is a better one, and `last`; from `notes` on, which says so, they count. Then what
        they replace is deleted."""
        for name in (best, last):
            if name is not None:
                self.send(name)
        there = {one: one.removeprefix(f"{self._prefix}/") for one in self._storage.list(self._prefix)}
        tops = {name: rest.partition("/")[0] for name, rest in there.items()}
        stale = [one for one, rest in there.items() if tops[one] in (best, last) and not (self._folder / rest).exists()]
        self._storage.delete(*stale)
        self.send(notes)
        kinds = ("last-",) if best is None else ("last-", "best")
        self._storage.delete(*(one for one, top in tops.items() if top.startswith(kinds) and top not in (best, last)))


def remote_folder(plan: TrainingPlan, trial: str) -> RemoteFolder | None:
    """None where checkpoints lie in a folder that every node sees."""
    if plan.remote is None:
        return None
    return RemoteFolder(_storage(plan.remote), trial, Path(plan.checkpoints_dir) / trial)


def own_place(plan: TrainingPlan) -> TrainingPlan:
    """The plan as this process goes by it: on storage its checkpoints and logs are written to a folder of its own."""
    if plan.remote is None:
        return plan
    return replace(plan, checkpoints_dir=str(_place(plan.remote) / "checkpoints"))


def send_log(plan: TrainingPlan, log: Path) -> None:
    """What a trial printed, after what it printed in other workers. A log that cannot be sent ends nothing."""
    if plan.remote is None or not log.is_file():
        return
    storage, name = _storage(plan.remote), f"logs/{log.name}"
    try:
        storage.put(name, (storage.get(name) or b"") + log.read_bytes())
    except StorageError as error:
        print(f"a trial's log stays in {log}: {error}", flush=True)
        return
    log.unlink()


@lru_cache(maxsize=4)
def _storage(uri: str) -> Storage:
    return Storage(uri)


@lru_cache(maxsize=4)
def _place(uri: str) -> Path:
    above = Path(tempfile.mkdtemp(prefix="tuner-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    return above / split(uri)[1]
