"""A run that is kept on storage, while this process drives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuner.records.mirror import Mirror
from tuner.records.run_directory import RunDirectory
from tuner.records.storage import child, is_uri
from tuner.sweep import Sweep


@contextmanager
def mirrored(sweep: Sweep, directory: RunDirectory) -> Iterator[Mirror | None]:
    """None where the sweep names no storage. Entered before the journal is opened, so that it is the newest there is;
    left when all is written there. Raises InputError where another driver holds the run, StorageError."""
    if sweep.storage is None or not is_uri(sweep.storage):
        yield None
        return
    mirror = Mirror(child(sweep.storage, directory.name), directory)
    try:
        yield mirror
    except BaseException:
        mirror.abandon()
        raise
    mirror.close()
