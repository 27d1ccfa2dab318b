"""What a loop of the user's own keeps: its last checkpoint, its best one, what it reported up to the last. Torch-free.

A checkpoint counts from the `report` of its epoch on, and with it everything reported until then: a driver that is
killed before its journal has that epoch gets the report again from here, so that no epoch is lost or trained twice. Two
places take turns, and `notes.json` names the one that counts; it is replaced in one step, so nothing is ever half.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.fold import decode_facts, encode_facts
from tuner.records.values import decode_metrics, encode_metrics
from tuner.training.remote_folder import RemoteFolder

PLACES = ("last-a", "last-b")
NOTES = "notes.json"


class LoopCheckpoints:
    """The folder of one trial. `identity` says which one: notes of another one count nothing."""

    def __init__(self, folder: Path, identity: str, *, goes_on: bool, remote: RemoteFolder | None = None) -> None:
        """`goes_on`: an earlier attempt at this trial was made, whose checkpoint counts. `remote`: the same folder on
        storage, to which goes what counts here."""
        self.folder, self._identity, self._remote = folder, identity, remote
        self._staged: Path | None = None
        self._told: list[EpochMetrics] = []
        self.best: float | None = None
        """The metric at the best epoch that has a checkpoint."""
        self.facts: Facts | None = None
        """What the loop told before the checkpoint that counts."""
        self._counts: str | None = None
        if goes_on and remote is not None:
            remote.fetch(NOTES)
        notes = self._read() if goes_on else None
        if notes is not None:
            if remote is not None and notes["last"]:
                remote.fetch(notes["last"])
            self._counts, self.best = notes["last"], notes["best"]
            self.facts = decode_facts(notes["facts"]) if notes["facts"] else None
            self._told = [EpochMetrics(epoch, decode_metrics(row), *times) for epoch, row, *times in notes["told"]]

    def reports_after(self, epoch: int) -> list[EpochMetrics]:
        """Reports up to the checkpoint that counts, which a journal that ends at `epoch` lacks."""
        there = self.last() is not None
        return [told for told in self._told if told.epoch > epoch] if there else []

    def last(self) -> Path | None:
        """The newest checkpoint."""
        path = self._staged or (self.folder / self._counts if self._counts else None)
        return path if path is not None and path.exists() else None

    def stage(self, source: Path, *, own: bool = False) -> None:
        """Copy it; it counts from the next `commit` on. `own`: nobody writes to its files again, so they may be linked
        instead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        suffix = source.suffix if source.is_file() else ""
        place = PLACES[1] if (self._counts or "").partition(".")[0] == PLACES[0] else PLACES[0]
        self._clear(place)
        target = self.folder / f"{place}{suffix}"
        _copy(source, target, link=own)
        self._staged = target

    def commit(self, epoch: EpochMetrics, better: float | None, facts: Facts | None) -> None:
        """An epoch is reported. `better` is its metric where that beats `best`, else None."""
        self._told = [told for told in self._told if told.epoch < epoch.epoch] + [epoch]
        if self._staged is None:
            return
        staged, self._staged = self._staged, None
        if better is not None:
            self._keep_as_best(staged)
            self.best = better
        self._counts, self.facts = staged.name, facts
        self._write()
        if self._remote is not None:
            best = next((path.name for path in self.folder.glob("best*")), None) if better is not None else None
            self._remote.commit(best, staged.name, NOTES)
        other = PLACES[1] if staged.name.startswith(PLACES[0]) else PLACES[0]
        self._clear(other)

    def _keep_as_best(self, source: Path) -> None:
        suffix = source.suffix if source.is_file() else ""
        target, half = self.folder / f"best{suffix}", self.folder / f".best{suffix}"
        _remove(half)
        _copy(source, half, link=True)  # what is kept here is replaced, never rewritten
        for other in self.folder.glob("best*"):
            if other != target or other.is_dir() or half.is_dir():  # a folder cannot be replaced in one step
                _remove(other)
        half.replace(target)

    def _clear(self, place: str) -> None:
        for path in self.folder.glob(f"{place}*"):
            _remove(path)

    def _read(self) -> dict[str, Any] | None:
        path = self.folder / NOTES
        if not path.is_file():
            return None
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return notes if notes.get("identity") == self._identity else None

    def _write(self) -> None:
        told = [[row.epoch, encode_metrics(row.metrics), row.seconds, row.data_seconds] for row in self._told]
        notes = {
            "identity": self._identity,
            "last": self._counts,
            "best": self.best,
            "facts": encode_facts(self.facts) if self.facts else None,
            "told": told,
        }
        half = self.folder / f".{NOTES}"
        half.write_text(json.dumps(notes), encoding="utf-8")
        half.replace(self.folder / NOTES)


def identity(config: Mapping[str, Any], seed: int) -> str:
    """What has to be the same for a checkpoint to belong to a trial."""
    return json.dumps([dict(config), seed], sort_keys=True, default=str)


def merged(old: Facts | None, new: Facts | None) -> Facts | None:
    """What a fresh attempt tells, over what an earlier one told. Only the first one saw the network untrained."""
    if old is None or new is None:
        return new or old
    known = {name: value for name, value in asdict(new).items() if value is not None and value != {}}
    if old.initial_loss is not None:
        known["initial_loss"] = old.initial_loss
    return Facts(**{**asdict(old), **known})


def _copy(source: Path, target: Path, *, link: bool) -> None:
    copy = _linked if link else shutil.copyfile
    if source.is_dir():
        shutil.copytree(source, target, copy_function=copy)
    else:
        copy(source, target)


def _linked(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links, or another one
        shutil.copyfile(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
