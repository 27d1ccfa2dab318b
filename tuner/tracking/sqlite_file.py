"""The SQLite file of a store without a server: made whole or not at all, and quick to write where that is safe.

MLflow commits some six times a trial, and in SQLite's default mode each commit waits several times for the disk. With
a write-ahead log none waits, readers such as the UI are not locked out, and a kill loses nothing; a power cut may lose
the last commits, so the end of the sweep waits for the disk once. The log needs memory that all its readers share,
which a network file system does not give: there, and in files that others have made, the mode stays as it is.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mlflow.tracking.client import MlflowClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "tmpfs"})


def make(path: Path) -> None:
    """MLflow makes its tables in some sixty steps: a half-made store is none, and two makers disturb each other.

    So it is made aside, and takes its name when it is whole; the first one wins.
    """
    if path.exists():
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        MlflowClient(f"sqlite:///{aside}").search_experiments(max_results=1)
        if file_system(path.parent) in LOCAL_FILE_SYSTEMS:
            with closing(sqlite3.connect(aside)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        _name(aside, path)
    finally:
        for leftover in path.parent.glob(f"{aside.name}*"):
            leftover.unlink()


def _name(aside: Path, path: Path) -> None:
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            aside.rename(path)


def commit_without_waiting(path: Path) -> None:
    """For this process's connections to this file, where it has a write-ahead log."""

    @event.listens_for(Engine, "connect")
    def on_connect(connection: Any, *_: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        files = [row[2] for row in connection.execute("PRAGMA database_list")]
        if str(path) in files and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            connection.execute("PRAGMA synchronous=NORMAL")


def sync(path: Path) -> None:
    """The write-ahead log goes into the file, and the file to the disk."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """`ext4`, `nfs4`, ...: the type of the file system that holds the folder; empty where it cannot be told."""
    if not mounts.is_file():
        return ""
    real, best, kind = f"{folder.resolve()}/", "", ""
    for row in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, this, *_ = row.split(" ")
        place = place.replace("\\040", " ").rstrip("/") + "/"
        if real.startswith(place) and len(place) >= len(best):  # a later mount hides an earlier one
            best, kind = place, this
    return kind
