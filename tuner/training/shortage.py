"""How much memory was asked for when it ran out, and how much there was: to quote, never to decide by. Torch-free."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_AMOUNT = r"([\d.]+ ?(?:bytes|[KMGTPE]?i?B))\b"
_ASKED = re.compile(rf"(?:tried to allocate|unable to allocate|requested size:) {_AMOUNT}", re.IGNORECASE)
"""Torch on a GPU and on a CPU, numpy, torch under a memory fraction."""
_FREE = re.compile(rf"total capacity of {_AMOUNT} of which {_AMOUNT} is free", re.IGNORECASE)
_UNITS = {unit: 1024**power for power, unit in enumerate(("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))}
CGROUP = Path("/sys/fs/cgroup/memory.max")


def shortage(error: BaseException) -> str:
    """`2.00 GiB more asked for, 1.31 GiB of 139.72 GiB free on the GPU`, without what is not known."""
    text = str(error)
    asked = _ASKED.search(text)
    parts = [f"{_tidy(asked[1])} more asked for"] if asked else []
    there = _on_the_gpu(text) if "CUDA" in text else _on_the_host()
    return ", ".join([*parts, *([there] if there else [])]) if parts or "CUDA" in text else ""


def size_text(number: float) -> str:
    """Bytes in the unit that a person would take: `23.5 GiB`."""
    unit, scale = next(((u, s) for u, s in reversed(_UNITS.items()) if number >= s), ("bytes", 1))
    return f"{number / scale:.3g} {unit}"


def host_bytes() -> int:
    """What this process may have: the machine's memory, or its container's limit where that is less."""
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = CGROUP.read_text(encoding="ascii").strip()
    except OSError:  # no container, or one of the first version
        return own
    return min(own, int(limit)) if limit.isdigit() else own


def _on_the_host() -> str:
    return f"this machine has {size_text(host_bytes())}"


def _on_the_gpu(text: str) -> str:
    """From the text, which knows how it was at that moment; else asked now."""
    told = _FREE.search(text)
    if told:
        return f"{_tidy(told[2])} of {_tidy(told[1])} free on the GPU"
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return ""
    free, total = torch.cuda.mem_get_info()
    return f"{size_text(free)} of {size_text(total)} free on the GPU"


def _tidy(amount: str) -> str:
    """`281474976710656 bytes` as `256 TiB`; a rounded amount stays as it is."""
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", amount).groups()  # type: ignore[union-attr]
    if unit != "bytes":
        return amount
    return size_text(float(number))
