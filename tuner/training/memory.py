"""Memory that a step frees is kept for the next step, instead of being given back to the system. Torch-free.

A large tensor on the CPU is a block of the C library. glibc returns blocks of some megabytes to the kernel when they
are freed, and the next step has each page of them made and zeroed again: a seventh to a third of the time of a
convolutional step went there. So a worker has glibc keep what is freed, up to a size. Other C libraries are left alone,
and so is a process whose environment sets the same thresholds itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache

KEPT_BYTES = 1 << 30
"""Free memory at the end of the heap that is kept, and the size from which a block is a mapping of its own."""
LARGEST_IN_OLD_GLIBC = 1 << 25
"""Before 2.35 or so, glibc refused a larger threshold for mappings."""
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
"""What sets the same from outside."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as malloc.h numbers them


@cache
def keep_freed_memory() -> bool:
    """For the whole process, once. Whether it was done: not without glibc, nor against the environment."""
    libc = _glibc()
    if (
        libc is None
        or any(name in os.environ for name in VARIABLES)
        or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    ):
        return False
    kept = libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    mapped = libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES) or libc.mallopt(M_MMAP_THRESHOLD, LARGEST_IN_OLD_GLIBC)
    return bool(kept and mapped)


def hand_back() -> None:
    """All free memory to the system: after a trial that held much."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL("libc.so.6") if platform.libc_ver()[0] == "glibc" else None


def gpu_bytes() -> int | None:
    """GPU memory that torch holds for this process on its device, free parts of its pool included; None where it has
    used no GPU. Never the one to import torch."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.memory_reserved())
