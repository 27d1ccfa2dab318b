"""Tells storage that fails from a trial that does. Torch-free."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tuner.records.storage import StorageError

_OF_STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN}
"""What an operating system says when no other file could be written there either."""
PROBE_BYTES = 1 << 16


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Around what is written to `folder`. Raises StorageError where nothing can be written there; else what was
    raised: torch and safetensors have errors of their own for a full disk, and for much else."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        why = _why_not(folder, error)
        if why is None:
            raise
        raise StorageError(f"{folder}: {why}") from error


def _why_not(folder: Path, error: Exception) -> str | None:
    if isinstance(error, OSError) and error.errno in _OF_STORAGE:
        return os.strerror(error.errno)
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(PROBE_BYTES))
    except OSError as told:
        return told.strerror or str(told)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None
