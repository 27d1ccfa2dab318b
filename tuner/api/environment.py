"""Where and with what a sweep ran: environment.json in the run directory."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("tuner", "torch", "torchvision", "ray", "optuna", "mlflow", "numpy", "pandas", "scikit-learn")
_SECRET = re.compile(r"(://)[^/@\s]+@")
"""User and password in an address: never written down."""
_LARGEST_DIFF = 1 << 20
"""Bytes of `git diff` that are kept; a longer one is cut, and says so."""


def environment(folder: Path) -> dict[str, Any]:
    """Versions, host and the state of the code in `folder`. No environment variables: they may hold secrets."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *(_SECRET.sub(r"\1***@", word) for word in sys.argv[1:])],
        "versions": {name: found for name in _PACKAGES if (found := _version(name)) is not None},
        "git": _git(folder),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(folder: Path) -> dict[str, Any] | None:
    """Commit and what differs from it; None outside a repository or without git."""
    commit = _ask_git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    diff = _ask_git(folder, "diff", "HEAD") or ""
    if len(diff) > _LARGEST_DIFF:
        diff = diff[:_LARGEST_DIFF] + f"\n[cut here: the diff has {len(diff)} characters]\n"
    return {"commit": commit.strip(), "dirty": bool(diff), "diff": diff}


def _ask_git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
